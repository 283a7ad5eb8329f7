// SPDX-FileCopyrightText: 2026 The hyperkube authors
// SPDX-License-Identifier: Apache-2.0
//
// tuf.mjs update MIRROR DIRECTORY       DIRECTORY holds root.json, and gets what is downloaded and seen
// tuf.mjs publish MIRROR_DIRECTORY FILE DIRECTORY holds nothing yet
//
// The TUF project's client in JavaScript fetches trusted_root.json from a mirror: 0 is verified. Or its models make a repository:
// two roots, of which the second replaces a key.
import { createHash, generateKeyPairSync, sign } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';

// The packages lie in a cache, not beside this file.
const require = createRequire(process.env.HYPERKUBE_JUDGES + '/');
const { Updater } = require('tuf-js');
const { Key, MetaFile, Metadata, Root, Signature, Snapshot, TargetFile, Targets, Timestamp } = require('@tufjs/models');

const target = 'trusted_root.json';
const [verb, place, other] = process.argv.slice(2);

async function update(mirror, directory) {
  const updater = new Updater({
    metadataBaseUrl: mirror, targetBaseUrl: `${mirror}/targets`, metadataDir: directory, targetDir: directory, config: { fetchRetry: 0 },
  });
  await updater.refresh();
  const info = await updater.getTargetInfo(target);
  if (!info) throw new Error(`no ${target}`);
  await updater.downloadTarget(info, join(directory, target));
}

function publish(directory, file) {
  const put = (path, content) => {
    mkdirSync(dirname(join(directory, path)), { recursive: true });
    writeFileSync(join(directory, path), content);
    return content;
  };
  const hashed = (content) => ({ length: content.length, hashes: { sha256: createHash('sha256').update(content).digest('hex') } });
  const keyOf = (type, options, scheme, text) => {
    const { publicKey, privateKey } = generateKeyPairSync(type, options);
    const keyVal = { public: text(publicKey) };
    const keyID = createHash('sha256').update(keyVal.public).digest('hex');
    return { key: new Key({ keyID, keyType: type === 'ec' ? 'ecdsa' : type, scheme, keyVal }),
      signer: (data) => new Signature({ keyID, sig: sign(type === 'ec' ? 'sha256' : null, data, privateKey).toString('hex') }) };
  };
  const ecdsa = () => keyOf('ec', { namedCurve: 'P-256' }, 'ecdsa-sha2-nistp256', (k) => k.export({ type: 'spki', format: 'pem' }));
  const ed25519 = () => keyOf('ed25519', {}, 'ed25519', (k) => k.export({ type: 'spki', format: 'der' }).subarray(-32).toString('hex'));
  const expires = new Date(Date.now() + 86400000).toISOString().replace(/\.\d+Z$/, 'Z');
  const common = (version) => ({ version, specVersion: '1.0.31', expires });
  const write = (path, signed, ...signers) => {
    const metadata = new Metadata(signed);
    signers.forEach((s) => metadata.sign(s.signer));
    return put(path, Buffer.from(JSON.stringify(metadata.toJSON(), null, 1)));
  };

  const [first, second, third, online, files] = [ecdsa(), ed25519(), ecdsa(), ecdsa(), ed25519()];
  const root = (version, ...keys) => {
    const made = new Root({ ...common(version), consistentSnapshot: true });
    keys.forEach((k) => made.addKey(k.key, 'root'));
    made.roles.root.threshold = keys.length;
    ['timestamp', 'snapshot'].forEach((role) => made.addKey(online.key, role));
    made.addKey(files.key, 'targets');
    return made;
  };
  write('1.root.json', root(1, first, second), first, second);
  write('2.root.json', root(2, first, third), first, second, third);

  const content = readFileSync(file);
  put(`targets/${hashed(content).hashes.sha256}.${target}`, content);
  const list = write('4.targets.json',
    new Targets({ ...common(4), targets: { [target]: new TargetFile({ path: target, ...hashed(content) }) } }), files);
  const snapshot = write('7.snapshot.json',
    new Snapshot({ ...common(7), meta: { 'targets.json': new MetaFile({ version: 4, ...hashed(list) }) } }), online);
  write('timestamp.json', new Timestamp({ ...common(9), snapshotMeta: new MetaFile({ version: 7, ...hashed(snapshot) }) }), online);
}

try {
  await (verb === 'publish' ? publish : update)(place, other);
  console.log('done');
} catch (error) {
  console.error(`${error.name}: ${error.message}`);
  process.exit(1);
}
