#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Enrichment: flights, which know their airports by code only, with the cities of both and the distance between them,
# by two joins with the same table. Usage: flights.sh [FLIGHTS AIRPORTS], CSV with the columns of the sample below,
# which is taken without them. A flight with an airport that the table does not have stays, with null: --left.
#
# $ examples/flights.sh
# {"flight":"LT101","from":"Berlin","to":"Lisbon","km":2304,"delay":12}
# {"flight":"LT102","from":"Lisbon","to":"Berlin","km":2304,"delay":-4}
# {"flight":"LT210","from":"Oslo","to":"Vienna","km":1389,"delay":0}
# {"flight":"LT307","from":"Vienna","to":null,"km":null,"delay":55}
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
if [ $# -eq 0 ]; then
    cat >"$work/airports.csv" <<'END'
iata,city,latitude,longitude
BER,Berlin,52.3667,13.5033
LIS,Lisbon,38.7742,-9.1342
OSL,Oslo,60.1939,11.1004
VIE,Vienna,48.1103,16.5697
END
    cat >"$work/flights.csv" <<'END'
day,flight,from,to,delay
2026-01-01,LT101,BER,LIS,12
2026-01-01,LT102,LIS,BER,-4
2026-01-01,LT210,OSL,VIE,0
2026-01-01,LT307,VIE,XQX,55
END
    set -- "$work/flights.csv" "$work/airports.csv"
fi

# shellcheck disable=SC2016 # the variables are the expression's
leat join --table "$2" --on .from --on-table .iata --left --as a "$1" |
    leat join --table "$2" --on .to --on-table .iata --left --as b |
    leat map -j 'def rad: . * 3.141592653589793 / 180;
        def km(a; b): (a.latitude | rad) as $p | (b.latitude | rad) as $q | ((b.longitude - a.longitude) | rad) as $d
            | (($p | sin) * ($q | sin) + ($p | cos) * ($q | cos) * ($d | cos)) | acos * 6371 | round;
        {flight, from: .a.city, to: .b.city, km: (if .a and .b then km(.a; .b) else null end), delay}'
