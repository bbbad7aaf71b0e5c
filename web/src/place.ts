/** Which part of `/` is shown. */

/** "grid" of "#grid", "manage/users" of "#manage/users", "" of anything strange. */
export function placeOf(hash: string): string {
  const place = hash.replace(/^#/, '');
  return /^(grid|manage(\/[a-z]+)?)$/.test(place) ? place : '';
}
