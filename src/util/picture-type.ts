/** Whether it begins as a JPEG, PNG or WebP. */
export const isPicture = (bytes: Uint8Array): boolean =>
  pictureTypeOf(bytes) !== undefined || Buffer.from(bytes.subarray(8, 12)).toString("latin1") === "WEBP";

/** Of the pictures that a browser is shown; by their first bytes, whatever their sender calls them. */
export function pictureTypeOf(bytes: Uint8Array): "image/jpeg" | "image/png" | undefined {
  const first = Buffer.from(bytes.subarray(0, 4)).toString("hex");
  if (first.startsWith("ffd8ff")) return "image/jpeg";
  return first === "89504e47" ? "image/png" : undefined;
}
