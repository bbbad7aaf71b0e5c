/** A style sheet for a shadow root, as text (web/build.mjs). */
declare module '*.shadow.css' {
  const text: string;
  export default text;
}
