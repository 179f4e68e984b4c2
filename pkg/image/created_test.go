package image

import (
	"testing"
	"time"
)

func TestATimeBeforeThereWereImagesIsNotKnown(t *testing.T) {
	for text, want := range map[string]string{
		"":                               "",
		"yesterday":                      "",
		"1718450000":                     "",
		"2024-06-15":                     "",
		"0001-01-01T00:00:00Z":           "",
		"1970-01-01T00:00:00Z":           "",
		"1970-01-01T00:00:01Z":           "",
		"1979-11-30T00:00:00Z":           "",
		"1980-01-01T00:00:01Z":           "",
		"1980-02-01T00:00:00+01:00":      "",
		"2000-01-01T00:00:00Z":           "",
		"2013-03-20T00:00:00Z":           "2013-03-20T00:00:00Z",
		"2024-06-15T14:30:00.5+02:00":    "2024-06-15T12:30:00.5Z",
		"2024-06-15T12:30:00.123456789Z": "2024-06-15T12:30:00.123456789Z",
	} {
		created, ok := ParseCreated(text)
		got := ""
		if ok {
			got = created.Format(time.RFC3339Nano)
		}
		if got != want || !ok && !created.IsZero() {
			t.Errorf("ParseCreated(%q) = %v, %v; want %s", text, created, ok, want)
		}
	}
}
