# SPDX-License-Identifier: Apache-2.0
"""Filter on one field: JSON lines to JSON lines. The input is not trusted and is validated in full."""
from workloads import F1

TITLE = "filter '.status >= 500', 2 M clicks as JSON lines to JSON lines"


def workload(b):
    return F1.workload(b, 'json', ('-j',), (2, 25, None))
