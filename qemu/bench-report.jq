# SPDX-License-Identifier: GPL-2.0
# Makes figures (bench-figures.json, as $figures) of samples, read by --slurp;
# those without a sample are $old's.
# A ratio is taken run by run, since what disturbs one run disturbs all of it.

def median: sort | if length % 2 == 1 then .[length / 2 | floor]
	else (.[length / 2 - 1] + .[length / 2]) / 2 end;

# Six digits are more than any of this is good for.
def round6: if . == 0 then 0 else
	(6 - (fabs | log10 | floor)) as $n | (. * pow(10; $n) | round) / pow(10; $n) end;

def summary: { median: (median | round6), min: (min | round6), max: (max | round6), runs: length };

# { "token.encrypt.4096": { "1": 812.3, ... }, ... }
def by_name: reduce .[] as $s ({}; .[$s.name][$s.run | tostring] = $s.value);

# Of several names the one with the best median.
def best($samples):
	map(select($samples[.]) | { name: ., median: ([ $samples[.][] ] | median) })
	| max_by(.median).name;

def ratios($over; $under):
	[ $over | to_entries[] | select($under[.key] > 0) | .value / $under[.key] ];

def values($samples):
	if .value then [ .value[] | $samples[.] // {} | .[] ]
	else (.over | best($samples)) as $o | (.under | best($samples)) as $u
		| if $o and $u then ratios($samples[$o]; $samples[$u]) else [] end
	end;

def is_met: if .goal == null then null
	elif .better == "more" then .median >= .goal else .median <= .goal end;

def figure($samples; $units):
	. as $f | values($samples) as $values
	| if $values == [] then null else
	{ part, what, better, goal, measured: $date } + ($values | summary)
	| .met = is_met
	| .parts = ([ $f | .over, .under, .value, .also | arrays[] ] | unique
		| map(select($samples[.]) | . as $name
			| { key: $name, value: ([ $samples[$name][] ] | summary + { unit: $units[$name] }) })
		| from_entries)
	end;

. as $all
| ($all | by_name) as $samples
| ($all | map({ key: .name, value: .unit }) | from_entries) as $units
| { date: $date, kernel: $kernel,
    figures: ([ $figures[0][] | .name as $name
	| { key: $name, value: (figure($samples; $units) // $old[0].figures[$name]) }
	| select(.value) ] | from_entries),
    samples: (($old[0].samples // {}) + ($samples | map_values([ .[] ]))) }
