/**
 * Connect's own types name `HeadersInit` as a global. It comes with the browser's library, which we
 * do not load, and not with Node's types. A declaration file is not shipped, so it cannot clash
 * with a user's own.
 */
type HeadersInit = NonNullable<ConstructorParameters<typeof Headers>[0]>;
