package record

import (
	"reflect"
	"strings"
	"testing"

	"github.com/tagbump/tagbump/pkg/image"
)

const commit = "8f3c1e07d2ab4c5590e1f6a7b8c9d0e1f2a3b4c5"

func web(tag string) image.Ref { return image.Ref{Repository: "ghcr.io/acme/web", Tag: tag} }

func TestMessages(t *testing.T) {
	one := []image.Ref{web("1.4.0")}
	for _, test := range []struct {
		name    string
		message Message
		want    string
	}{
		{
			"everything is known",
			Message{"bump 2 images in production\n\nweb.yaml: image.tag: 1.3 -> 1.4.0", []image.Ref{web("1.4.0"), {Repository: "acme/api", Tag: "7"}}, Provenance{commit, "https://circleci.example/acme/web/77", 77}},
			`bump 2 images in production

web.yaml: image.tag: 1.3 -> 1.4.0

Tagbump-Image: ghcr.io/acme/web:1.4.0
Tagbump-Image: acme/api:7
Tagbump-Source-Revision: ` + commit + `
Tagbump-Build-Url: https://circleci.example/acme/web/77
Tagbump-Pipeline-Number: 77
`,
		},
		{"only the image is known", Message{"bump web", one, Provenance{}}, "bump web\n\nTagbump-Image: ghcr.io/acme/web:1.4.0\n"},
		{"blank lines around the text", Message{"\n bump web \n\n", one, Provenance{}}, "bump web\n\nTagbump-Image: ghcr.io/acme/web:1.4.0\n"},
		{
			"a person's trailers",
			Message{"bump web\n\nReviewed-by: Ada <ada@acme.example>\nSigned-off-by: Grace <grace@acme.example>", one, Provenance{}},
			"bump web\n\nReviewed-by: Ada <ada@acme.example>\nSigned-off-by: Grace <grace@acme.example>\nTagbump-Image: ghcr.io/acme/web:1.4.0\n",
		},
		{"a subject that looks like a trailer", Message{"chore: bump web", one, Provenance{}}, "chore: bump web\n\nTagbump-Image: ghcr.io/acme/web:1.4.0\n"},
		{
			"a text that says what a trailer says",
			Message{"bump web\n\nTagbump-Image: acme/db:9", one, Provenance{}},
			"bump web\n\nTagbump-Image: acme/db:9\n\nTagbump-Image: ghcr.io/acme/web:1.4.0\n",
		},
		{
			"line breaks in a build's URL",
			Message{"bump web", one, Provenance{BuildURL: "https://ci.example/7\r\nTagbump-Pipeline-Number: 999"}},
			"bump web\n\nTagbump-Image: ghcr.io/acme/web:1.4.0\nTagbump-Build-Url: https://ci.example/7 Tagbump-Pipeline-Number: 999\n",
		},
		{
			"a secret in a build's URL",
			Message{"bump web", one, Provenance{BuildURL: "https://bot:hunter22@ci.example/7?token=hunter22"}},
			"bump web\n\nTagbump-Image: ghcr.io/acme/web:1.4.0\nTagbump-Build-Url: https://REDACTED@ci.example/7?token=REDACTED\n",
		},
		{"a revision that is not a hash", Message{"bump web", one, Provenance{Revision: commit + "\n\nApproved-by: @acme"}}, "bump web\n\nTagbump-Image: ghcr.io/acme/web:1.4.0\n"},
		{"a short revision", Message{"bump web", one, Provenance{Revision: "8F3C1E0"}}, "bump web\n\nTagbump-Image: ghcr.io/acme/web:1.4.0\nTagbump-Source-Revision: 8F3C1E0\n"},
		{"escapes and NUL", Message{"bump \x1b[31mweb\x00", one, Provenance{}}, "bump [31mweb\n\nTagbump-Image: ghcr.io/acme/web:1.4.0\n"},
	} {
		t.Run(test.name, func(t *testing.T) {
			if got := test.message.String(); got != test.want {
				t.Errorf("got:\n%s\nwant:\n%s", got, test.want)
			}
		})
	}
}

// TestNoValueAddsATrailer tries each character that some reader takes for the
// end of a line.
func TestNoValueAddsATrailer(t *testing.T) {
	for _, end := range []string{"\n", "\r", "\r\n", "\n\n", "\v", "\f", "\u0085", "\u2028", "\u2029"} {
		evil := "x" + end + "Tagbump-Pipeline-Number: 999999"
		for name, m := range map[string]Message{
			"label":     {Provenance: Provenance{Revision: commit + evil}},
			"build URL": {Provenance: Provenance{BuildURL: "https://ci.example/" + evil}},
			"tag":       {Images: []image.Ref{web(evil)}},
			"old value": {Text: "bump web\n\n" + Change("web.yaml", "image.tag", evil, "1.4.0")},
			"file":      {Text: "bump web\n\n" + Change(evil, "image.tag", "1", "1.4.0")},
			"key":       {Text: "bump web\n\n" + Change("web.yaml", evil, "1", "1.4.0")},
		} {
			m.Images = append(m.Images, web("1.4.0"))
			if m.Text == "" {
				m.Text = "bump web"
			}
			text := m.String()
			if got := Parse(text); got.Pipeline != 0 || strings.Contains(text, "\nTagbump-Pipeline") {
				t.Errorf("%s with %q: pipeline %d in\n%q", name, end, got.Pipeline, text)
			}
		}
	}
}

func TestParse(t *testing.T) {
	ours := "Tagbump-Image: docker.io/acme/web:1.0\nTagbump-Source-Revision: " + commit + "\nTagbump-Build-Url: https://ci.example/41\nTagbump-Pipeline-Number: 41"
	read := Message{"bump acme/web to 1.0", []image.Ref{{Repository: "docker.io/acme/web", Tag: "1.0"}}, Provenance{commit, "https://ci.example/41", 41}}
	withText := func(text string) Message { m := read; m.Text = text; return m }
	for _, test := range []struct {
		name, text string
		want       Message
	}{
		{"as it is written", "bump acme/web to 1.0\n\n" + ours + "\n", read},
		{"with Windows' line ends", strings.ReplaceAll("bump acme/web to 1.0\n\n"+ours+"\n", "\n", "\r\n"), read},
		{"squashed by GitHub, with a co-author", "bump acme/web to 1.0 (#12)\n\n" + ours + "\n\n---------\n\nCo-authored-by: Ada <ada@acme.example>", withText("bump acme/web to 1.0 (#12)")},
		{"a sign-off between", "bump\n\nSigned-off-by: Ada <ada@acme.example>\n" + ours, withText("bump\n\nSigned-off-by: Ada <ada@acme.example>")},
		{"a commit by hand", "fix the probe\n\nThe path was wrong.\n", Message{Text: "fix the probe\n\nThe path was wrong."}},
		{"trailers that are quoted in a text", "revert the bump\n\nIt said:\n\n" + ours + "\n\nand broke.", Message{Text: "revert the bump\n\nIt said:\n\n" + ours + "\n\nand broke."}},
		{"trailers in a paragraph of prose", "revert\n\nThis commit set\n" + ours, Message{Text: "revert\n\nThis commit set\n" + ours}},
		{"only a subject", "Tagbump-Image: acme/web:1.0", Message{Text: "Tagbump-Image: acme/web:1.0"}},
		{"a number that is none", "bump\n\nTagbump-Image: acme/web:1.0\nTagbump-Pipeline-Number: many", Message{Text: "bump", Images: []image.Ref{{Repository: "acme/web", Tag: "1.0"}}}},
		{"a negative number", "bump\n\nTagbump-Image: acme/web:1.0\nTagbump-Pipeline-Number: -4", Message{Text: "bump", Images: []image.Ref{{Repository: "acme/web", Tag: "1.0"}}}},
		{"an image without a tag", "bump\n\nTagbump-Image: acme/web\nTagbump-Pipeline-Number: 4", Message{Text: "bump", Provenance: Provenance{Pipeline: 4}}},
		{"an image with more behind it", "bump\n\nTagbump-Image: acme/web:1.0@sha256:0123 from 8f3c1e0", Message{Text: "bump", Images: []image.Ref{{Repository: "acme/web", Tag: "1.0"}}}},
		{"nothing", "", Message{}},
	} {
		t.Run(test.name, func(t *testing.T) {
			if got := Parse(test.text); !reflect.DeepEqual(got, test.want) {
				t.Errorf("got  %+v\nwant %+v", got, test.want)
			}
		})
	}
}

func TestWhichImageACommitSets(t *testing.T) {
	m := Message{Images: []image.Ref{{Repository: "docker.io/acme/web", Tag: "1.0"}, {Repository: "acme/api", Tag: "7"}}}
	for ref, want := range map[image.Ref]bool{
		{Repository: "acme/web", Tag: "1.0"}:         true,
		{Repository: "acme/api", Tag: "7"}:           true,
		{Repository: "acme/web", Tag: "1.1"}:         false,
		{Repository: "ghcr.io/acme/web", Tag: "1.0"}: false,
	} {
		if got := m.Sets(ref); got != want {
			t.Errorf("Sets(%s) = %v", ref, got)
		}
	}
}

func TestSubject(t *testing.T) {
	for text, want := range map[string]string{
		"bump web\n\nmore": "bump web", "\n\n bump web \r\nmore": "bump web", "": "", "bump\x1b web\u2028more": "bump web",
	} {
		if got := (Message{Text: text}).Subject(); got != want {
			t.Errorf("Subject of %q = %q, want %q", text, got, want)
		}
	}
}

// FuzzRoundTrip holds that what is written is read back, whatever labels, URLs
// and texts say.
func FuzzRoundTrip(f *testing.F) {
	f.Add("bump web", "1.0", commit, "https://ci.example/7", int64(7))
	f.Add("bump\n\nTagbump-Pipeline-Number: 9", "1.0", "x\nTagbump-Image: a:1", "u\u2028Tagbump-Pipeline-Number: 9", int64(0))
	f.Add("a\n\nSigned-off-by: b", "1_0", "8f3c1e0\v", "https://u:p@h/\x85", int64(-1))
	f.Add("\n---\n\n: \n", "latest", "", "a: b", int64(1))
	f.Fuzz(func(t *testing.T, text, tag, revision, build string, pipeline int64) {
		if image.CheckTag(tag) != nil || strings.TrimSpace(Message{Text: text}.Subject()) == "" {
			t.Skip()
		}
		m := Message{text, []image.Ref{web(tag), {Repository: "acme/api", Tag: "7"}}, Provenance{revision, build, pipeline}}
		written := m.String()
		got := Parse(written)
		want := ""
		if IsRevision(revision) {
			want = revision
		}
		if !reflect.DeepEqual(got.Images, m.Images) || got.Pipeline != max(pipeline, 0) || got.Revision != want {
			t.Errorf("%+v\nis written as\n%s\nand read as\n%+v", m, written, got)
		}
		if again := got.String(); again != Parse(again).String() {
			t.Errorf("%q is read and written as %q", written, again)
		}
	})
}
