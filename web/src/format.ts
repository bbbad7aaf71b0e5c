/** Figures in words. */

const CODEC_NAMES: readonly (readonly [RegExp, string])[] = [
  [/^(avc[13]|h264)/i, 'H.264'],
  [/^(hvc1|hev1|h265|hevc)/i, 'H.265'],
  [/^av0?1/i, 'AV1'],
  [/^vp09|^vp9/i, 'VP9'],
  [/^(mp4a\.40\.34|mp4a\.69|mp4a\.6b|mp3)/i, 'MP3'],
  [/^(mp4a|aac)/i, 'AAC'],
  [/^opus/i, 'Opus'],
];

/** "avc1.64001f" is H.264; a codec nobody here knows keeps its own name. */
export function codecName(codec: string): string {
  return CODEC_NAMES.find(([pattern]) => pattern.test(codec))?.[1] ?? codec;
}

export function bitrate(bitsPerSecond: number): string {
  if (!(bitsPerSecond > 0)) {
    return '–';
  }
  if (bitsPerSecond >= 9_950_000) {
    return `${(bitsPerSecond / 1e6).toFixed(0)} Mbit/s`;
  }
  return bitsPerSecond >= 995_000 ? `${(bitsPerSecond / 1e6).toFixed(1)} Mbit/s`
                                  : `${Math.round(bitsPerSecond / 1e3)} kbit/s`;
}

export function seconds(value: number): string {
  if (!Number.isFinite(value)) {
    return '–';
  }
  return value < 0.995 ? `${Math.round(Math.max(0, value) * 1000)} ms` : `${value.toFixed(1)} s`;
}

/** 29.97 and 25, not 29.970029 and 25.00. */
export function frameRate(fps: number): string {
  return fps > 0 ? `${Number(fps.toFixed(fps < 10 ? 2 : 1))} fps` : '';
}

export function size(width: number, height: number): string {
  return width > 0 && height > 0 ? `${width} × ${height}` : '';
}

export function channels(number: number): string {
  return number === 1 ? 'mono' : number === 2 ? 'stereo' : number > 2 ? `${number} channels` : '';
}

export function plural(number: number, one: string, more: string): string {
  return `${number} ${number === 1 ? one : more}`;
}
