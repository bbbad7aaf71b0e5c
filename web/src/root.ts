/** Where the node is: the folder that its `assets` lie in, "/" or, behind a proxy, something like "/video/". */

function folderOf(script: string): URL {
  const at = script.lastIndexOf('/assets/');
  return new URL(at < 0 ? './' : script.slice(0, at + 1), script);
}

/** From the address of this very script, so that it also holds on pages of other origins. */
export const root: URL = folderOf(import.meta.url);

/** The address of a path of the node, `path` without a slash in front. */
export function at(path: string): string {
  return new URL(path, root).href;
}
