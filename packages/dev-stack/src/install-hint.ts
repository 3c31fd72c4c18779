import { readFile } from 'node:fs/promises';

export interface Missing {
  readonly java: boolean;
  readonly maven: boolean;
}

/** @returns the line that installs what is missing on this kind of system, or words where the system is not known */
export async function installHint(missing: Missing): Promise<string> {
  const osRelease = await readFile('/etc/os-release', 'utf8').catch(() => '');
  return installLine(missing, process.platform, osRelease);
}

/** @param osRelease  the text of /etc/os-release; empty where there is none */
export function installLine(missing: Missing, platform: string, osRelease: string): string {
  const systems = [field(osRelease, 'ID'), ...field(osRelease, 'ID_LIKE').split(/\s+/)];
  const line = (installer: string, java: string) =>
    [installer, ...(missing.java ? [java] : []), ...(missing.maven ? ['maven'] : [])].join(' ');
  if (platform === 'darwin') return line('brew install', 'openjdk@21');
  if (systems.includes('debian') || systems.includes('ubuntu')) {
    // Debian 12 has 17 only, later ones (and Ubuntu since 22.04) have 21; the metapackage would be 11 on Ubuntu 22.04.
    const java = systems[0] === 'debian' && field(osRelease, 'VERSION_ID') === '12' ? '17' : '21';
    return line('sudo apt-get install -y', `openjdk-${java}-jre-headless`);
  }
  if (systems.includes('fedora') || systems.includes('rhel')) {
    return line('sudo dnf install -y', 'java-21-openjdk-headless');
  }
  const wanted = [...(missing.java ? ['Java 17 or newer'] : []), ...(missing.maven ? ['Maven'] : [])];
  return `Install ${wanted.join(' and ')}`;
}

function field(osRelease: string, name: string): string {
  const value = new RegExp(`^${name}=(.*)$`, 'm').exec(osRelease)?.[1] ?? '';
  return value.replace(/^["']|["']$/g, '');
}
