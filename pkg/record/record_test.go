package record

import (
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/tagbump/tagbump/pkg/image"
	"github.com/tagbump/tagbump/pkg/redact"
	"github.com/tagbump/tagbump/pkg/safetext"
)

const commit = "8f3c1e07d2ab4c5590e1f6a7b8c9d0e1f2a3b4c5"

const digest = "sha256:0a1b2c3d4e5f60718293a4b5c6d7e8f90a1b2c3d4e5f60718293a4b5c6d7e8f9"

func web(tag string) Image { return ref("ghcr.io/acme/web:" + tag) }

func ref(text string) Image { return Image{Ref: image.Split(text)} }

func TestMessages(t *testing.T) {
	bump := Message{Text: "bump web", Images: []Image{web("1.4.0")}}
	with := func(change func(*Message)) Message { m := bump; change(&m); return m }
	const image = "\n\nTagbump-Image: ghcr.io/acme/web:1.4.0\n"
	for _, test := range []struct {
		name    string
		message Message
		want    string
	}{
		{
			"everything is known",
			Message{
				"bump 2 images in production\n\nweb.yaml: image.tag: 1.3 -> 1.4.0", Promotion,
				[]Image{{ref("ghcr.io/acme/web:1.4.0@" + digest).Ref, commit, []string{"1.3", "1.2"}}, ref("acme/api:7")},
				"production", "staging",
				Provenance{"", "https://circleci.example/acme/web/77", 77, "ada", []string{"--on-stale allow"}},
			},
			`bump 2 images in production

web.yaml: image.tag: 1.3 -> 1.4.0

Tagbump-Kind: promotion
Tagbump-Image: ghcr.io/acme/web:1.4.0@` + digest + ` from ` + commit + `
Tagbump-Previous: ghcr.io/acme/web:1.3
Tagbump-Previous: ghcr.io/acme/web:1.2
Tagbump-Image: acme/api:7
Tagbump-Environment: production
Tagbump-From-Environment: staging
Tagbump-Build-Url: https://circleci.example/acme/web/77
Tagbump-Pipeline-Number: 77
Tagbump-Triggered-By: ada
Tagbump-Override: --on-stale allow
`,
		},
		{"only the image is known", bump, "bump web" + image},
		{"a rollback", with(func(m *Message) { m.Kind = Rollback }), "bump web\n\nTagbump-Kind: rollback\nTagbump-Image: ghcr.io/acme/web:1.4.0\n"},
		{"a digest without a tag", with(func(m *Message) { m.Images = []Image{ref("acme/web@" + digest)} }), "bump web\n\nTagbump-Image: acme/web@" + digest + "\n"},
		{"blank lines around the text", with(func(m *Message) { m.Text = "\n bump web \n\n" }), "bump web" + image},
		{
			"a person's trailers",
			with(func(m *Message) {
				m.Text += "\n\nReviewed-by: Ada <ada@acme.example>\nSigned-off-by: Grace <grace@acme.example>"
			}),
			"bump web\n\nReviewed-by: Ada <ada@acme.example>\nSigned-off-by: Grace <grace@acme.example>" + image[1:],
		},
		{"a subject that looks like a trailer", with(func(m *Message) { m.Text = "chore: bump web" }), "chore: bump web" + image},
		{"a text that says what a trailer says", with(func(m *Message) { m.Text += "\n\nTagbump-Image: acme/db:9" }), "bump web\n\nTagbump-Image: acme/db:9" + image},
		{"the same in lower case", with(func(m *Message) { m.Text += "\n\ntagbump-image: acme/db:9" }), "bump web\n\ntagbump-image: acme/db:9" + image},
		{
			"line breaks in a build's URL",
			with(func(m *Message) { m.BuildURL = "https://ci.example/7\r\nTagbump-Pipeline-Number: 999" }),
			"bump web" + image + "Tagbump-Build-Url: https://ci.example/7 Tagbump-Pipeline-Number: 999\n",
		},
		{
			"a secret in a build's URL",
			with(func(m *Message) { m.BuildURL = "https://bot:hunter22@ci.example/7?token=hunter22" }),
			"bump web" + image + "Tagbump-Build-Url: https://REDACTED@ci.example/7?token=REDACTED\n",
		},
		{"a revision that is not a hash", with(func(m *Message) { m.Images = []Image{{web("1.4.0").Ref, commit + "\n\nApproved-by: @acme", nil}} }), "bump web" + image},
		{"a short revision", with(func(m *Message) { m.Images = []Image{{web("1.4.0").Ref, "8F3C1E0", nil}} }), "bump web\n\nTagbump-Image: ghcr.io/acme/web:1.4.0 from 8F3C1E0\n"},
		{"a former value that is not a tag", with(func(m *Message) {
			m.Images = []Image{{web("1.4.0").Ref, "", []string{"", "{{ .Values.tag }}", "1.0\n"}}}
		}), "bump web" + image},
		{"escapes and NUL", with(func(m *Message) { m.Text = "bump \x1b[31mweb\x00" }), "bump [31mweb" + image},
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
			"label":       {Images: []Image{{ref("acme/api:7").Ref, commit + evil, nil}}},
			"build URL":   {Provenance: Provenance{BuildURL: "https://ci.example/" + evil}},
			"user":        {Provenance: Provenance{TriggeredBy: evil}},
			"override":    {Provenance: Provenance{Overrides: []string{evil}}},
			"environment": {Environment: evil, From: evil},
			"tag":         {Images: []Image{{ref("acme/api:" + evil).Ref, "", []string{evil}}}},
			"old value":   {Text: "bump web\n\n" + Change("web.yaml", "image.tag", evil, "1.4.0")},
			"file":        {Text: "bump web\n\n" + Change(evil, "image.tag", "1", "1.4.0")},
			"key":         {Text: "bump web\n\n" + Change("web.yaml", evil, "1", "1.4.0")},
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
	ours := "Tagbump-Kind: rollback\nTagbump-Image: docker.io/acme/web:1.0 from " + commit + "\nTagbump-Previous: acme/web:1.1\nTagbump-Environment: production\nTagbump-Build-Url: https://ci.example/41\nTagbump-Pipeline-Number: 41"
	read := Message{
		Text: "bump acme/web to 1.0", Kind: Rollback, Environment: "production",
		Images:     []Image{{ref("docker.io/acme/web:1.0").Ref, commit, []string{"1.1"}}},
		Provenance: Provenance{BuildURL: "https://ci.example/41", Pipeline: 41},
	}
	bump := Message{Text: "bump", Images: []Image{ref("acme/web:1.0")}}
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
		{"a number that is none", "bump\n\nTagbump-Image: acme/web:1.0\nTagbump-Pipeline-Number: many", bump},
		{"a negative number", "bump\n\nTagbump-Image: acme/web:1.0\nTagbump-Pipeline-Number: -4", bump},
		{"an image without a tag", "bump\n\nTagbump-Image: acme/web\nTagbump-Pipeline-Number: 4", Message{Text: "bump", Provenance: Provenance{Pipeline: 4}}},
		{"an image with more behind it", "bump\n\nTagbump-Image: acme/web:1.0 from a branch", bump},
		{"a digest that is none", "bump\n\nTagbump-Image: acme/web:1.0@sha256:0123", Message{Text: "bump"}},
		{"a kind of a later version", "bump\n\nTagbump-Kind: experiment\nTagbump-Image: acme/web:1.0", bump},
		{"a former tag of another image", "bump\n\nTagbump-Image: acme/web:1.0\nTagbump-Previous: acme/api:3\nTagbump-Previous: acme/web", bump},
		{"a key of a later version", "bump\n\nTagbump-Image: acme/web:1.0\nTagbump-Mood: good", Message{Text: "bump\n\nTagbump-Mood: good", Images: bump.Images}},
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
	m := Message{Images: []Image{ref("docker.io/acme/web:1.0"), ref("acme/api:7")}}
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

// FuzzRoundTrip holds that every written value is read back, whatever labels, URLs,
// names and texts say.
func FuzzRoundTrip(f *testing.F) {
	f.Add("bump web", "1.0", commit, "https://ci.example/7", "ada", "production", int64(7), 0)
	f.Add("bump\n\nTagbump-Pipeline-Number: 9", "1.0", "x\nTagbump-Image: a:1", "u\u2028Tagbump-Pipeline-Number: 9", "a\rTagbump-Kind: rollback", "e\n", int64(0), 1)
	f.Add("a\n\nSigned-off-by: b", "1_0", "8f3c1e0\v", "https://u:p@h/\x85", " from 8f3c1e0", "\x00", int64(-1), 2)
	f.Add("\n---\n\n: \n", "latest", "", "a: b", "\xff\xfe", "a\tb", int64(1), 0)
	f.Add("a\n\ntagbump-image: acme/x:1", "1.0@"+digest, "", "", "", "", int64(1), 1)
	f.Fuzz(func(t *testing.T, text, tag, revision, build, user, environment string, pipeline int64, kind int) {
		if strings.TrimSpace(Message{Text: text}.Subject()) == "" {
			t.Skip()
		}
		m := Message{
			Text: text, Kind: Kind(uint(kind) % 3), Environment: environment, From: user,
			Images:     []Image{{ref("acme/web:" + tag).Ref, revision, []string{tag, user}}, {ref("acme/api:7").Ref, commit, []string{"6"}}},
			Provenance: Provenance{BuildURL: build, Pipeline: pipeline, TriggeredBy: user, Overrides: []string{environment, user}},
		}
		written := m.String()
		got := Parse(written)
		want := m
		want.Text = got.Text // held by the next comparison
		want.Images = readable(m.Images)
		want.Environment, want.From = safetext.Line(environment), safetext.Line(user)
		want.Provenance = Provenance{
			BuildURL: safetext.Line(redact.URL(build)), Pipeline: max(pipeline, 0), TriggeredBy: safetext.Line(user),
		}
		for _, override := range m.Overrides {
			if override = safetext.Line(override); override != "" {
				want.Overrides = append(want.Overrides, override)
			}
		}
		if !reflect.DeepEqual(got, want) {
			t.Errorf("%#v\nis written as\n%s\nand read as\n%#v", want, written, got)
		}
		if again := got.String(); again != Parse(again).String() {
			t.Errorf("%q is read and written as %q", written, again)
		}
	})
}

// readable returns what of images can be written.
func readable(images []Image) []Image {
	var all []Image
	for _, img := range images {
		previous := slices.DeleteFunc(slices.Clone(img.Previous), func(tag string) bool { return image.CheckTag(tag) != nil })
		if !IsRevision(img.Revision) {
			img.Revision = ""
		}
		if img.Previous = previous; len(previous) == 0 {
			img.Previous = nil
		}
		if _, err := image.Parse(img.String()); err == nil && img.Tag+img.Digest != "" {
			all = append(all, img)
		}
	}
	return all
}
