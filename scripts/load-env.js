// Loaded before a service by its npm script: options from a file .env, where there is one, the environment first.
// Node's own --env-file-if-exists would say at every start without the file that it is not there.
import { existsSync } from 'node:fs';

if (existsSync('.env')) process.loadEnvFile('.env');
