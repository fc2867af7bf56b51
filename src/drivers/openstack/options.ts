/** Where a cloud is and how it is entered: the options of every driver for OpenStack. */
export interface OpenstackOptions {
  /** Keystone's address, with its version: `https://cloud.example:5000/v3`. */
  readonly authUrl: string;
  readonly region: string;
  /** Which of the catalogue's addresses are used; default "public". */
  readonly interface?: Interface;
  /** Certificates (PEM) trusted beside the well-known ones. */
  readonly caFile?: string;
}

export type Interface = "public" | "internal" | "admin";

export const openstackOptionsSchema = {
  type: "object",
  additionalProperties: false,
  required: ["authUrl", "region"],
  properties: {
    authUrl: {
      type: "string",
      pattern: "^https?://[^?#]+/v3/?$",
      description: "Keystone's address, with its version: https://cloud.example:5000/v3.",
    },
    region: {
      type: "string",
      minLength: 1,
      maxLength: 255,
      description: "As the catalogue has it.",
    },
    interface: {
      enum: ["public", "internal", "admin"],
      description: "Which of the catalogue's addresses are used.",
    },
    caFile: {
      type: "string",
      minLength: 1,
      description: "Certificates (PEM) trusted beside the well-known ones.",
    },
  },
} as const;
