import { expect, test } from 'vitest';
import { installLine } from './install-hint.ts';

const both = { java: true, maven: true };

test.each([
  [
    'Debian 12',
    'linux',
    'ID=debian\nVERSION_ID="12"\n',
    'sudo apt-get install -y openjdk-17-jre-headless maven',
  ],
  [
    'Debian 13',
    'linux',
    'ID=debian\nVERSION_ID="13"\n',
    'sudo apt-get install -y openjdk-21-jre-headless maven',
  ],
  [
    'Ubuntu',
    'linux',
    'ID=ubuntu\nID_LIKE=debian\nVERSION_ID="24.04"\n',
    'sudo apt-get install -y openjdk-21-jre-headless maven',
  ],
  [
    'Mint',
    'linux',
    'ID=linuxmint\nID_LIKE="ubuntu debian"\n',
    'sudo apt-get install -y openjdk-21-jre-headless maven',
  ],
  ['Fedora', 'linux', 'ID=fedora\n', 'sudo dnf install -y java-21-openjdk-headless maven'],
  [
    'Rocky',
    'linux',
    'ID="rocky"\nID_LIKE="rhel centos fedora"\n',
    'sudo dnf install -y java-21-openjdk-headless maven',
  ],
  ['macOS', 'darwin', '', 'brew install openjdk@21 maven'],
  ['any other', 'linux', 'ID=plan9\n', 'Install Java 17 or newer and Maven'],
])('names the line that installs Java and Maven on %s', (_name, platform, osRelease, line) => {
  expect(installLine(both, platform, osRelease)).toBe(line);
});

test('names only what is missing', () => {
  expect(installLine({ java: false, maven: true }, 'darwin', '')).toBe('brew install maven');
  expect(installLine({ java: true, maven: false }, 'linux', 'ID=fedora')).toBe(
    'sudo dnf install -y java-21-openjdk-headless',
  );
});
