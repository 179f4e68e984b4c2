package yamledit

import (
	"errors"
	"testing"

	"github.com/tagbump/tagbump/pkg/keypath"
)

func TestASignedTextIsNotEdited(t *testing.T) {
	const signed = "the file is signed by SOPS, which rejects it after any other edit"
	for name, test := range map[string]struct{ src, want string }{
		"all values":        {"image: acme/api:1\nsops:\n  lastmodified: \"2026-01-02T03:04:05Z\"\n  mac: ENC[AES256_GCM,data:x=,iv:y=,tag:z=,type:str]\n", "line 4: " + signed},
		"a later document":  {"image: acme/api:1\n---\nsops: {mac: x}\n", "line 3: " + signed},
		"single variables":  {"image: acme/api:1\nsops_mac: ENC[x]\nsops_version: 3.9.0\n", "line 2: " + signed},
		"JSON":              {`{"image": "acme/api:1", "sops": {"mac": "ENC[x]", "mac_only_encrypted": false}}`, "line 1: " + signed},
		"encrypted values":  {"image: acme/api:1\nsops:\n  mac: ENC[x]\n  mac_only_encrypted: true\n", ""},
		"encrypted flat":    {"image: acme/api:1\nsops_mac: ENC[x]\nsops_mac_only_encrypted: true\n", ""},
		"another sops key":  {"image: acme/api:1\nsops: enabled\n", ""},
		"a block of ours":   {"image: acme/api:1\nsops: {image: acme/sops:1}\n", ""},
		"mac without block": {"image: acme/api:1\nnetwork: {mac: aa:bb}\n", ""},
	} {
		text, err := Parse([]byte(test.src))
		if err != nil {
			t.Fatal(name, err)
		}
		nodes, err := text.Find(keypath.Path{}.Child("image"))
		if err != nil {
			t.Fatal(name, err)
		}
		s, err := nodes[0].Scalar()
		if err != nil {
			t.Fatal(name, err)
		}
		e, err := s.Replace("acme/api:2")
		if err != nil {
			t.Fatal(name, err)
		}
		_, err = text.Apply(e)
		if got := words(err); got != test.want || (err != nil) != errors.Is(err, ErrSealed) {
			t.Errorf("%s: Apply: %q\nwant %q", name, got, test.want)
		}
		if got := words(text.Sealed()); got != test.want {
			t.Errorf("%s: Sealed: %q\nwant %q", name, got, test.want)
		}
	}
}

func TestACiphertextIsNotReplaced(t *testing.T) {
	_, err := edit("a: ENC[AES256_GCM,data:x=,iv:y=,tag:z=,type:str]\nsops: {mac: x, mac_only_encrypted: true}\n", "a", "v2")
	if want := "a: line 1: is encrypted by SOPS"; words(err) != want || !errors.Is(err, ErrSealed) {
		t.Errorf("%v\nwant %s", err, want)
	}
}

func TestAPointerIsNoText(t *testing.T) {
	for src, want := range map[string]string{
		"\x00GITCRYPT\x00\x01\x02": "is encrypted by git-crypt",
		"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12\n": "is a pointer of Git LFS, not the file's text",
	} {
		if _, err := Read([]byte(src)); words(err) != want || !errors.Is(err, ErrSealed) {
			t.Errorf("%q: %v\nwant %s", src, err, want)
		}
	}
}

// words is the error's text, or "".
func words(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}
