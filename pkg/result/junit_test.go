package result

import (
	"encoding/xml"
	"testing"
	"time"
)

func TestJUnit(t *testing.T) {
	got := JUnit("tagbump wait", []Case{
		{Name: "web", Took: 4200 * time.Millisecond},
		{Name: `<api> & "co"`, Took: time.Second, Failure: "Degraded: \x1b[31mImagePullBackOff\nacme/web:\"bad\" ]]> \uffff"},
	})
	want := `<?xml version="1.0" encoding="UTF-8"?>
<testsuites>
<testsuite name="tagbump wait" tests="2" failures="1" time="4.200">
<testcase classname="tagbump wait" name="web" time="4.200"/>
<testcase classname="tagbump wait" name="&lt;api&gt; &amp; &quot;co&quot;" time="1.000">
<failure message="Degraded: [31mImagePullBackOff acme/web:&quot;bad&quot; ]]&gt;">Degraded: [31mImagePullBackOff
acme/web:&quot;bad&quot; ]]&gt; </failure>
</testcase>
</testsuite>
</testsuites>
`
	if string(got) != want {
		t.Errorf("got:\n%swant:\n%s", got, want)
	}
	var parsed struct {
		Suites []struct {
			Cases []struct {
				Name string `xml:"name,attr"`
			} `xml:"testcase"`
		} `xml:"testsuite"`
	}
	if err := xml.Unmarshal(got, &parsed); err != nil || parsed.Suites[0].Cases[1].Name != `<api> & "co"` {
		t.Errorf("%+v, %v", parsed, err)
	}
}
