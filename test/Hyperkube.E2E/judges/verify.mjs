// SPDX-FileCopyrightText: 2026 The hyperkube authors
// SPDX-License-Identifier: Apache-2.0
//
// verify.mjs BUNDLE TRUSTED_ROOT ARTIFACT SUBJECT ISSUER
//
// Lets the Sigstore project's own verifier in JavaScript judge a bundle: 0 is verified. It knows neither what a statement
// is about nor an exact name: the first is not asked of it, the second is made of a pattern.
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';

// The packages lie in a cache, not beside this file.
const require = createRequire(process.env.HYPERKUBE_JUDGES + '/');
const { bundleFromJSON } = require('@sigstore/bundle');
const { TrustedRoot } = require('@sigstore/protobuf-specs');
const { Verifier, toSignedEntity, toTrustMaterial } = require('@sigstore/verify');

const [bundle, root, artifact, subject, issuer] = process.argv.slice(2);
const json = (file) => JSON.parse(readFileSync(file, 'utf8'));
const exactly = `^${subject.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')}$`;

const verifier = new Verifier(toTrustMaterial(TrustedRoot.fromJSON(json(root))), { tlogThreshold: 1, ctlogThreshold: 1 });
try {
  verifier.verify(toSignedEntity(bundleFromJSON(json(bundle)), readFileSync(artifact)), {
    subjectAlternativeName: exactly,
    extensions: { issuer },
  });
  console.log('verified');
} catch (error) {
  console.error(`${error.code ?? error.name}: ${error.message}`);
  process.exit(1);
}
