package result

import (
	"bytes"
	"fmt"
	"strings"
	"time"

	"github.com/tagbump/tagbump/pkg/safetext"
)

// A Case is one thing that was waited for, such as an application of Argo CD.
type Case struct {
	Name    string
	Took    time.Duration
	Failure string // why it did not get there; "" when it did
}

// JUnit returns a report of cases in the XML that CI systems show as test results.
func JUnit(suite string, cases []Case) []byte {
	failures := 0
	var took time.Duration
	for _, one := range cases {
		if one.Failure != "" {
			failures++
		}
		took = max(took, one.Took)
	}
	var b bytes.Buffer
	b.WriteString(`<?xml version="1.0" encoding="UTF-8"?>` + "\n")
	fmt.Fprintf(&b, "<testsuites>\n<testsuite name=\"%s\" tests=\"%d\" failures=\"%d\" time=\"%.3f\">\n",
		xmlText(suite), len(cases), failures, took.Seconds())
	for _, one := range cases {
		fmt.Fprintf(&b, `<testcase classname="%s" name="%s" time="%.3f"`, xmlText(suite), xmlText(safetext.Line(one.Name)), one.Took.Seconds())
		if one.Failure == "" {
			b.WriteString("/>\n")
			continue
		}
		fmt.Fprintf(&b, ">\n<failure message=\"%s\">%s</failure>\n</testcase>\n", xmlText(safetext.Line(one.Failure)), xmlText(one.Failure))
	}
	b.WriteString("</testsuite>\n</testsuites>\n")
	return b.Bytes()
}

var xmlEscapes = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", `"`, "&quot;")

// xmlText returns s as text of an element or an attribute, without the characters
// that XML does not allow.
func xmlText(s string) string { return xmlEscapes.Replace(safetext.Text(s)) }
