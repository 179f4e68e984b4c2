package wire

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
)

// pkt is one packet.
func pkt(payload string) string { return fmt.Sprintf("%04x%s", len(payload)+4, payload) }

// banded is a report in band 1, followed by what a server says in band 2.
func banded(remark string, lines ...string) string {
	report := ""
	for _, line := range lines {
		report += pkt(line)
	}
	return pkt("\x01"+report+"0000") + pkt("\x02"+remark) + "0000"
}

func TestAPushIsASuccessOnlyIfTheReportNamesTheBranch(t *testing.T) {
	tests := []struct {
		name, answer, remark, want string
	}{
		{"the branch", banded("View it at https://x\n", "unpack ok\n", "ok refs/heads/main\n"), "View it at https://x\n", ""},
		{"the branch, without side bands", pkt("unpack ok\n") + pkt("ok refs/heads/main\n") + "0000", "", ""},
		{"another branch", banded("", "unpack ok\n", "ok refs/heads/mainline\n"), "", "the server did not say that it moved the branch"},
		{"a tag of that name", banded("", "unpack ok\n", "ok refs/tags/main\n"), "", "the server did not say that it moved the branch"},
		{"no branch", banded("", "unpack ok\n"), "", "the server did not say that it moved the branch"},
		{"nothing", banded(""), "", "the server did not say that it moved the branch"},
		{"no, and another yes", banded("", "unpack ok\n", "ok refs/heads/other\n", "ng refs/heads/main hook declined\n"), "", "hook declined"},
		{"a broken pack", banded("fatal: early EOF\n", "unpack index-pack abnormal exit\n", "ng refs/heads/main unpacker error\n"), "fatal: early EOF\n", "unpack: index-pack abnormal exit (remote: fatal: early EOF)"},
		{"Gitea's frame", banded("error:\nerror: Not allowed to push to protected branch main\nerror:\n", "unpack ok\n", "ng refs/heads/main pre-receive hook declined\n"), "error:\nerror: Not allowed to push to protected branch main\nerror:\n", "pre-receive hook declined (remote: error: Not allowed to push to protected branch main)"},
	}
	for _, test := range tests {
		remark, err := readReport(strings.NewReader(test.answer), "main")
		got := ""
		if err != nil {
			got = err.Error()
			if !errors.As(err, new(*Rejection)) {
				t.Errorf("%s: %v is not a Rejection", test.name, err)
			}
		}
		if got != test.want || remark != test.remark {
			t.Errorf("%s:\n got %q, %q\nwant %q, %q", test.name, remark, got, test.remark, test.want)
		}
	}
	if _, err := readReport(strings.NewReader(pkt("\x01"+pkt("unpack ok\n"))), "main"); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("a report that is cut off: got %v", err)
	}
}

// repeated is text without an end.
type repeated struct {
	text string
	at   int
}

func (r *repeated) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = r.text[r.at]
		r.at = (r.at + 1) % len(r.text)
	}
	return len(p), nil
}

func TestAServerThatDoesNotStopTalkingIsEnded(t *testing.T) {
	_, err := readReport(&repeated{text: pkt("\x02" + strings.Repeat("la ", 10_000))}, "main")
	if !errors.Is(err, ErrUnavailable) || err.Error() != "the server does not stop talking" {
		t.Errorf("band 2: got %v", err)
	}
	line := pkt(strings.Repeat("a", 40) + " refs/heads/" + strings.Repeat("b", 60_000) + "\n")
	const want = "the server lists over 64 MiB of branches"
	if _, err := readRefs(newPacketReader(&repeated{text: line}), listing{branch: "main"}); err == nil || err.Error() != want {
		t.Errorf("refs: got %v", err)
	}
	if _, err := readGreeting(newPacketReader(&repeated{text: line}), listing{branch: "main"}); err == nil || err.Error() != want {
		t.Errorf("an advertisement: got %v", err)
	}
	if err := skipAdvertisement(newPacketReader(&repeated{text: line})); err == nil || err.Error() != want {
		t.Errorf("an advertisement before a push: got %v", err)
	}
}

func TestAServersWordsDecideWhatKindOfNoItIs(t *testing.T) {
	tests := map[string]verdict{
		"Cannot find repository: ci/nosuch":                                                            saysNotFound,
		"Deploy Key: 7:ro3 is not authorized to write to ci/s3.":                                       saysDenied,
		"Gitea: Unauthorized\nUser: 3:bob is not authorised to read ci/priv.":                          saysDenied,
		"Repo: ci/arch is archived.":                                                                   saysArchived,
		"Error: invalid repo":                                                                          saysNotFound,
		"Error: you are not authorized to do this":                                                     saysDenied,
		"This account is currently not available.":                                                     saysDenied,
		"bash: line 1: git-upload-pack: command not found":                                             saysNoGit,
		"sh: 1: git-receive-pack: not found":                                                           saysNoGit,
		"FATAL: R any nothing admin DENIED by fallthru\n(or you mis-spelled the reponame)":             saysDenied,
		"ERROR: Repository not found.\nfatal: Could not read from remote repository.":                  saysNotFound,
		"ERROR: Permission to acme/charts.git denied to deploy key":                                    saysDenied,
		"The project you were looking for could not be found or you don't have permission to view it.": saysNotFound,
		"fatal: '/srv/x.git' does not appear to be a git repository":                                   saysNotFound,
		"You cannot push: this is a read-only mirror":                                                  saysDenied,
		"remote: GitLab is not available, try again later":                                             saysTransient,
		"Internal error. Please try again.":                                                            saysTransient,
		"Hi there! You are greeted by a banner.":                                                       noVerdict,
	}
	for text, want := range tests {
		if got := judge(text); got != want {
			t.Errorf("%q: got %d, want %d", text, got, want)
		}
	}
}

func FuzzPacketLines(f *testing.F) {
	f.Add("000eversion 2\n0015agent=git/2.39.5\n001cfetch=shallow filter ref\n0000")
	f.Add(banded("hello", "unpack ok\n", "ok refs/heads/main\n"))
	f.Add(pkt("ERR no") + "0001" + "0002" + "fff1")
	f.Fuzz(func(t *testing.T, text string) {
		p := newPacketReader(strings.NewReader(text))
		read := 0
		for {
			kind, payload, err := p.next()
			if err != nil {
				break
			}
			if kind != dataPacket && len(payload) > 0 {
				t.Fatalf("a packet of kind %d has a payload", kind)
			}
			read += len(payload) + 4
		}
		if read > len(text) {
			t.Errorf("%d bytes of packets were read from %d", read, len(text))
		}
	})
}
