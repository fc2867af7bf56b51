import type { ServerResponse } from "node:http";
import type { Log } from "../../core/ports/log.js";
import type { Authenticator } from "../authenticator.js";
import { answerText, type HttpHandler } from "./http-door.js";

/** What `/metrics` tells. */
export interface Figures {
  readonly contentType: string;
  text(): Promise<string>;
}

/**
 * `GET /metrics`, for Prometheus: with the bearer token of a principal that holds `colo.read` over
 * the whole installation, since the figures tell of everybody's calls.
 */
export function createMetricsDoor(deps: {
  readonly figures: Figures;
  readonly authenticator: Authenticator;
  readonly log: Log;
}): HttpHandler {
  const { figures, authenticator, log } = deps;

  async function answer(
    authorization: string | undefined,
    address: string,
    response: ServerResponse,
  ): Promise<void> {
    const principal = await authenticator.authenticate({ authorization, address });
    if (!principal) {
      response.setHeader("www-authenticate", "Bearer");
      answerText(response, 401, "a bearer token is needed\n");
      return;
    }
    const may = principal.bindings.some(
      ({ account, permissions }) => account === "*" && permissions.has("colo.read"),
    );
    if (!may) {
      answerText(response, 403, "colo.read over the whole installation is needed\n");
      return;
    }
    const text = await figures.text();
    response.setHeader("content-type", figures.contentType);
    response.setHeader("cache-control", "no-store");
    response.writeHead(200).end(text);
  }

  return (request, response) => {
    if (request.url?.split("?", 1)[0] !== "/metrics") return false;
    if (request.method !== "GET") {
      response.setHeader("allow", "GET");
      answerText(response, 405, "only GET\n");
      return true;
    }
    answer(request.headers.authorization, request.socket.remoteAddress ?? "", response).catch(
      (error: unknown) => {
        log.error({ error: String(error) }, "metrics could not be told");
        if (response.headersSent) response.destroy();
        else answerText(response, 500, "internal error\n");
      },
    );
    return true;
  };
}
