# SPDX-FileCopyrightText: 2026 The hyperkube authors
# SPDX-License-Identifier: Apache-2.0
#
# spdx.py FILE.spdx.json
#
# Lets the SPDX project's own library judge a document: 0 is valid. Prints how many packages it read and how many of each relationship.
import collections
import sys

from spdx_tools.spdx.parser.parse_anything import parse_file
from spdx_tools.spdx.validation.document_validator import validate_full_spdx_document

document = parse_file(sys.argv[1])
complaints = validate_full_spdx_document(document)
for complaint in complaints:
    print(complaint.validation_message, file=sys.stderr)
print(f"packages {len(document.packages)}")
for name, count in sorted(collections.Counter(r.relationship_type.name for r in document.relationships).items()):
    print(f"{name} {count}")
sys.exit(1 if complaints else 0)
