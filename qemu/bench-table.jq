# SPDX-License-Identifier: GPL-2.0
# The table for people, of bench.json. The bar is how much of the goal is
# reached: it ends at the mark where it just is, whichever way is better.

def pad($n): tostring | . + " " * ([$n - length, 0] | max);
def lead($n): tostring | " " * ([$n - length, 0] | max) + .;

# Three digits, or whole thousands.
def short: if . >= 100 then round
	elif . >= 10 then (. * 10 | round) / 10
	elif . >= 1 then (. * 100 | round) / 100
	else (. * 1000 | round) / 1000 end | tostring;

def reached: if .goal == null then null
	elif .median == 0 then 2
	elif .better == "more" then .median / .goal else .goal / .median end;

def bar: [[(. * 10 | floor), 0] | max, 18] | min as $n
	| ("█" * $n) // "" | . + " " * (18 - length)
	| .[0:10] + (if .[10:11] == " " then "│" else "┃" end) + .[11:];

def paint($code; $text): if $colour == "yes" then "\u001b[\($code)m\($text)\u001b[0m" else $text end;

def verdict: if .met == null then "    " elif .met then paint("32"; "met ") else paint("31"; "MISS") end;

def goal: if .goal == null then "-" else (if .better == "more" then "≥ " else "≤ " end) + (.goal | tostring) end;

def row($name):
	(.median | short | lead(7)) + "  " + (goal | pad(7)) + "  " + verdict + "  "
	+ (reached | if . == null then " " * 18 else bar end) + "  "
	+ ("\(.min | short)..\(.max | short)" | pad(13)) + "  " + ($name | pad(38)) + "  " + .what
	+ (if .measured != $date then " (an earlier run)" else "" end);

.figures as $figures
| ([ ("median" | lead(7)), ("goal" | pad(7)), "    ", (" missed   │  met" | pad(18)),
	("min..max" | pad(13)), ("figure" | pad(38)), "what" ] | join("  ")),
  ($figures | to_entries as $rows | range($rows | length) as $i
	| (if $rows[$i].value.part != $rows[$i - 1].value.part or $i == 0 then "" else empty end),
	  ($rows[$i] | .key as $name | .value | row($name))),
  "",
  ([ $figures[] | select(.met != null) ] | "\(map(select(.met)) | length) of \(length) goals met")
