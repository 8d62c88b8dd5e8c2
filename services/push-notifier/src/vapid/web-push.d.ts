/** What is used of a package that brings no types. */
declare module 'web-push' {
  interface RequestDetails {
    readonly method: string;
    readonly headers: Readonly<Record<string, string | number>>;
    readonly body: Buffer;
    readonly endpoint: string;
  }

  interface RequestOptions {
    readonly TTL: number;
    readonly urgency: 'very-low' | 'low' | 'normal' | 'high';
    /** At most 32 characters of base64url. */
    readonly topic: string;
    readonly contentEncoding: 'aes128gcm';
    readonly vapidDetails: {
      readonly subject: string;
      readonly publicKey: string;
      readonly privateKey: string;
    };
  }

  const webPush: {
    generateVAPIDKeys(): { readonly publicKey: string; readonly privateKey: string };
    /** Encrypts and signs; sends nothing. */
    generateRequestDetails(
      subscription: {
        readonly endpoint: string;
        readonly keys: { readonly p256dh: string; readonly auth: string };
      },
      payload: Buffer,
      options: RequestOptions,
    ): RequestDetails;
  };
  // oxlint-disable-next-line import/no-default-export -- that is how a CommonJS package comes
  export default webPush;
}
