#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# A report of a web server's access log: requests a minute by status, the 99th percentile of their times, and bytes.
# Reads nginx's or Apache's combined format, from files or standard input; where the log format has $request_time at the
# end, as `log_format timed '... "$http_user_agent" $request_time'`, there is a p99, else it is null. Lines that are
# something else are counted on standard error, and kept in bad-lines.leat of BAD_DIR if that is set. As the log grows:
# tail -F access.log | examples/web-log.sh
#
# $ examples/web-log.sh examples/access.log
# {"window_start":"2026-11-21T09:00:00Z","window_end":"2026-11-21T09:01:00Z","status":200,"requests":13,"p99_ms":75,"bytes":194645}
# {"window_start":"2026-11-21T09:00:00Z","window_end":"2026-11-21T09:01:00Z","status":304,"requests":4,"p99_ms":79,"bytes":0}
# {"window_start":"2026-11-21T09:00:00Z","window_end":"2026-11-21T09:01:00Z","status":404,"requests":2,"p99_ms":65,"bytes":36072}
# {"window_start":"2026-11-21T09:01:00Z","window_end":"2026-11-21T09:02:00Z","status":200,"requests":15,"p99_ms":77,"bytes":231418}
# {"window_start":"2026-11-21T09:01:00Z","window_end":"2026-11-21T09:02:00Z","status":304,"requests":2,"p99_ms":54,"bytes":0}
# {"window_start":"2026-11-21T09:01:00Z","window_end":"2026-11-21T09:02:00Z","status":404,"requests":3,"p99_ms":71,"bytes":65094}
# {"window_start":"2026-11-21T09:01:00Z","window_end":"2026-11-21T09:02:00Z","status":500,"requests":1,"p99_ms":2526,"bytes":4382}
# {"window_start":"2026-11-21T09:02:00Z","window_end":"2026-11-21T09:03:00Z","status":200,"requests":11,"p99_ms":63,"bytes":204123}
# {"window_start":"2026-11-21T09:02:00Z","window_end":"2026-11-21T09:03:00Z","status":304,"requests":2,"p99_ms":73,"bytes":0}
# {"window_start":"2026-11-21T09:02:00Z","window_end":"2026-11-21T09:03:00Z","status":404,"requests":3,"p99_ms":61,"bytes":45059}
# {"window_start":"2026-11-21T09:02:00Z","window_end":"2026-11-21T09:03:00Z","status":500,"requests":3,"p99_ms":2543,"bytes":44494}
# {"window_start":"2026-11-21T09:03:00Z","window_end":"2026-11-21T09:04:00Z","status":404,"requests":1,"p99_ms":32,"bytes":10347}
set -euo pipefail

bad='--on-error skip'
[ -z "${BAD_DIR:-}" ] || bad="--dead-letter $BAD_DIR/bad-lines.leat"

# shellcheck disable=SC2086 # an option and its value
leat window -i combined $bad --tumble 1m --out-of-order 10s -g .status -j \
    '{requests: count, p99_ms: (p99(.seconds) | if . then . * 1000 | round end), bytes: sum(.bytes // 0)}' "$@"
