# Reads the output of go test -json and prints what go test prints without -v: a
# line for each package, and the whole output of each test that failed. The last
# line says "N passed, N failed, N skipped", of tests and subtests. Exits with 1
# unless all is well; a run without any test is not.
#
# test2json writes one object a line with its keys in a fixed order (Time, Action,
# Package, Test, Elapsed, Output), which is what makes awk enough for it. A quote
# in a value is escaped, so that a key cannot be mistaken in some test's output.

function field(name,    start, rest) {
	start = index($0, "\"" name "\":\"")
	if (!start) return ""
	rest = substr($0, start + length(name) + 4)
	if (name == "Output") { sub(/"}$/, "", rest); return text(rest) }
	sub(/".*/, "", rest)
	return rest
}

# text undoes the escapes of a JSON string. A backslash that stands for itself is
# put away first, so that \\n does not become a new line.
function text(s) {
	gsub(/\\\\/, "\001", s)
	gsub(/\\n/, "\n", s)
	gsub(/\\t/, "\t", s)
	gsub(/\\r/, "\r", s)
	gsub(/\\"/, "\"", s)
	gsub(/\\u003c/, "<", s)
	gsub(/\\u003e/, ">", s)
	gsub(/\\u0026/, "\\&", s)
	gsub(/\001/, "\\", s)
	return s
}

# print_unfinished prints the output of the tests that had not ended when their package
# did: a panic and a time-out are told there.
function print_unfinished(package,    id) {
	for (id in output)
		if (index(id, package " ") == 1) printf "%s", output[id]
}

# go test itself writes text where it cannot write JSON: a go.mod that is wrong.
!/^{/ { print; next }

{
	action = field("Action")
	package = field("Package")
	test = field("Test")
	id = package " " test
}

action == "build-output" { printf "%s", field("Output"); next }

# The words of a time-out go to whichever test wrote last, which may have passed.
action == "output" && test != "" {
	line = field("Output")
	if (line ~ /^panic: /) panicked[id] = 1
	output[id] = output[id] line
	next
}

action == "output" {
	line = field("Output")
	if (line != "PASS\n" && line != "FAIL\n") printf "%s", line
	next
}

test != "" && (action == "pass" || action == "skip") {
	counts[action]++
	if (!(id in panicked)) delete output[id]
	next
}

test != "" && action == "fail" {
	counts["fail"]++
	blamed[package] = 1
	printf "%s", output[id]
	delete output[id]
	next
}

# A package that fails without a test that failed: it did not build, or left early.
action == "fail" && !(package in blamed) { counts["fail"]++; print_unfinished(package) }

END {
	printf "%d passed, %d failed, %d skipped\n", counts["pass"], counts["fail"], counts["skip"]
	if (counts["fail"] || !counts["pass"]) exit 1
}
