import java.nio.file.Path;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.elasticsearch.common.logging.LogConfigurator;
import org.elasticsearch.common.settings.Settings;
import org.elasticsearch.node.InternalSettingsPreparer;
import org.elasticsearch.node.Node;
import org.elasticsearch.plugins.PluginsLoader;

/**
 * Runs a server out of its published jars: their own start-up belongs to a distribution that is not
 * among them. Arguments: the folder of the jars, the folder of the settings.
 */
final class Launcher {
    public static void main(String[] folders) throws Exception {
        // Whatever logs first decides how; so this comes before all else.
        LogConfigurator.registerErrorListener();
        LogConfigurator.configureESLogging();
        var home = Settings.builder().put("path.home", folders[0]).build();
        var conf = Path.of(folders[1]);
        var environment =
            InternalSettingsPreparer.prepareEnvironment(home, Map.of(), conf, () -> "bed");
        LogConfigurator.setNodeName(Node.NODE_NAME_SETTING.get(environment.settings()));
        LogConfigurator.configure(environment, true);
        var modules = PluginsLoader.loadModulesBundles(environment.modulesDir(), false);
        var loader = PluginsLoader.createPluginsLoader(modules, Set.of(), Map.of());
        var node = new Node(environment, loader);
        Runtime.getRuntime().addShutdownHook(new Thread(() -> end(node)));
        node.start();
        new CountDownLatch(1).await();
    }

    private static void end(Node node) {
        try {
            node.prepareForClose();
            node.close();
            node.awaitClose(20, TimeUnit.SECONDS);
        } catch (Exception problem) {
            problem.printStackTrace();
        }
    }
}
