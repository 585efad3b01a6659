/** Files that the build embeds: the import gives their path. */
declare module "*.addon" {
  const path: string;
  // biome-ignore lint/style/noDefaultExport: an import attribute gives a default import
  export default path;
}
