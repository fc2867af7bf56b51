/** An account's way into OpenStack, as it is written through the API (M9.4). */
export type OpenstackSecret = ApplicationCredential | PasswordSecret;

interface ApplicationCredential {
  readonly applicationCredentialId: string;
  readonly applicationCredentialSecret: string;
}

interface PasswordSecret {
  readonly username: string;
  readonly password: string;
  /** Default "Default", as with `projectDomain`. */
  readonly userDomain?: string;
  /** By name in its domain, or by id. */
  readonly project?: string;
  readonly projectDomain?: string;
  readonly projectId?: string;
}

const text = { type: "string", minLength: 1, maxLength: 1_024 } as const;

const forms = {
  applicationCredential: {
    type: "object",
    additionalProperties: false,
    required: ["applicationCredentialId", "applicationCredentialSecret"],
    properties: { applicationCredentialId: text, applicationCredentialSecret: text },
  },
  byProjectName: {
    type: "object",
    additionalProperties: false,
    required: ["username", "password", "project"],
    properties: {
      ...{ username: text, password: text, userDomain: text },
      ...{ project: text, projectDomain: text },
    },
  },
  byProjectId: {
    type: "object",
    additionalProperties: false,
    required: ["username", "password", "projectId"],
    properties: { username: text, password: text, userDomain: text, projectId: text },
  },
} as const;

/** JSON Schema of `OpenstackSecret`; application credentials are the better choice. */
export const openstackCredentialsSchema = {
  type: "object",
  anyOf: [forms.applicationCredential, forms.byProjectName, forms.byProjectId],
} as const;

/** The body of Keystone's `POST /v3/auth/tokens` for a secret that the schema has checked. */
export function tokenRequest(secret: OpenstackSecret): Readonly<Record<string, unknown>> {
  if ("applicationCredentialId" in secret) {
    const { applicationCredentialId: id, applicationCredentialSecret } = secret;
    const identity = {
      methods: ["application_credential"],
      application_credential: { id, secret: applicationCredentialSecret },
    };
    return { auth: { identity } }; // It is bound to its project: a scope would be refused.
  }
  const { username, password, userDomain = domainDefault, projectId } = secret;
  const user = { name: username, domain: { name: userDomain }, password };
  const domain = { name: secret.projectDomain ?? domainDefault };
  const project = projectId === undefined ? { name: secret.project, domain } : { id: projectId };
  const identity = { methods: ["password"], password: { user } };
  return { auth: { identity, scope: { project } } };
}

const domainDefault = "Default";
