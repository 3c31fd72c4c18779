/** @returns the line of a JVM's output or a log that says what went wrong; its last lines where none stands out */
export function complaintIn(output: string): string {
  const lines = output
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '' && !line.startsWith('at ') && !line.startsWith('...'));
  const complaints = lines.filter((line) => /\b(ERROR|FATAL)\b|Exception|Error/.test(line));
  return (
    complaints.find((line) => line.includes('Address already in use')) ??
    complaints.findLast((line) => line.startsWith('Caused by:')) ??
    complaints.find((line) => /^(Exception in thread|[\w.$]+(Exception|Error):)/.test(line)) ??
    complaints[0] ??
    lines.slice(-3).join('\n')
  );
}
