/** What programs need of the environment to find themselves at home; nothing that could be a secret. */
const HARMLESS = [
  'PATH',
  'HOME',
  'USER',
  'LOGNAME',
  'SHELL',
  'TERM',
  'LANG',
  'LC_ALL',
  'LC_CTYPE',
  'TZ',
  'TMPDIR',
  ...['SYSTEMROOT', 'SYSTEMDRIVE', 'PATHEXT', 'TEMP', 'TMP', 'APPDATA', 'LOCALAPPDATA', 'USERPROFILE', 'PROGRAMFILES'],
];

/** The environment of a child process: what is harmless of this one's, and what is given. */
export function childEnvironment(given: Readonly<Record<string, string>>): Record<string, string> {
  const own = HARMLESS.flatMap((name) => {
    const value = process.env[name];
    return value === undefined ? [] : [[name, value] as const];
  });
  return { ...Object.fromEntries(own), ...given };
}
