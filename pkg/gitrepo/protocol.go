package gitrepo

import (
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/go-git/go-git/v5/plumbing"
)

const agentLine = "agent=tagbump"

const (
	uploadPack  = "git-upload-pack"
	receivePack = "git-receive-pack"
)

// capabilities are what a server said it can do.
type capabilities struct {
	filter  bool
	shallow bool
}

// A fetchRequest names the objects that are wanted and how little with them.
type fetchRequest struct {
	wants  []plumbing.Hash
	depth  int         // of history; 0 when no commit is among wants
	filter string      // as in git's --filter; "" for none
	budget int64       // end with errBudget after so many bytes of pack; 0: never
	enough func() bool // end with errEnough when true; nil: read to the end
}

// An update moves a branch, or makes it when old is zero.
type update struct {
	branch   string
	old, new plumbing.Hash
	objects  []gitObject
}

func branchRef(branch string) string { return "refs/heads/" + branch }

// readGreeting reads what a version 2 server says first.
func readGreeting(p *packetReader) (capabilities, error) {
	kind, line, err := p.line()
	if err == nil && strings.HasPrefix(line, "# service=") {
		if kind, line, err = p.line(); err == nil && kind == flushPacket {
			kind, line, err = p.line()
		}
	}
	if err != nil {
		return capabilities{}, noEOF(err)
	}
	if kind != dataPacket || line != "version 2" {
		return capabilities{}, fail(ErrUnsupported, "the server does not speak git's protocol version 2")
	}
	return readCapabilities(p)
}

func readCapabilities(p *packetReader) (capabilities, error) {
	var caps capabilities
	for {
		kind, line, err := p.line()
		if err != nil {
			return caps, noEOF(err)
		}
		if kind != dataPacket {
			return caps, nil
		}
		name, value, _ := strings.Cut(line, "=")
		switch name {
		case "fetch":
			for _, word := range strings.Fields(value) {
				caps.filter = caps.filter || word == "filter"
				caps.shallow = caps.shallow || word == "shallow"
			}
		case "object-format":
			if value != "sha1" {
				return caps, errSHA256
			}
		}
	}
}

var errSHA256 = fail(ErrUnsupported, "is a SHA-256 repository, which is not supported")

// lsRefs asks for one branch and for what HEAD names.
func lsRefs(branch string) []byte {
	var p packets
	p.line("command=ls-refs")
	p.line(agentLine)
	p.delim()
	if branch == "" {
		p.line("symrefs")
		p.line("ref-prefix HEAD")
	} else {
		p.line("ref-prefix %s", branchRef(branch))
	}
	p.flush()
	return p.Bytes()
}

// readRefs reads the answer to lsRefs. A prefix matches longer names, too.
func readRefs(p *packetReader, branch string) (ref, error) {
	found := ref{branch: branch}
	for {
		kind, line, err := p.line()
		if err != nil {
			return found, noEOF(err)
		}
		if kind != dataPacket {
			return found, headless(found)
		}
		id, rest, _ := strings.Cut(line, " ")
		name, attributes, _ := strings.Cut(rest, " ")
		switch {
		case len(id) == 64:
			return found, errSHA256
		case len(id) != 40:
			return found, errNotPackets
		case branch == "" && name == "HEAD":
			found = ref{symrefTarget(attributes), plumbing.NewHash(id)}
		case branch != "" && name == branchRef(branch):
			found.tip = plumbing.NewHash(id)
		}
	}
}

// headless refuses an answer without a default branch: the repository is empty,
// or its HEAD names no branch.
func headless(found ref) error {
	if found.branch != "" {
		return nil
	}
	if found.tip.IsZero() {
		return fail(ErrNotFound, "has no default branch: it is empty, or its HEAD names a branch that does not exist")
	}
	return fail(ErrNotFound, "its HEAD names no branch").withHint("name the branch")
}

func symrefTarget(attributes string) string {
	for _, word := range strings.Fields(attributes) {
		if target, is := strings.CutPrefix(word, "symref-target:refs/heads/"); is {
			return target
		}
	}
	return ""
}

func fetchCommand(req fetchRequest) []byte {
	var p packets
	p.line("command=fetch")
	p.line(agentLine)
	p.delim()
	p.line("no-progress")
	p.line("ofs-delta")
	for _, id := range req.wants {
		p.line("want %s", id)
	}
	if req.depth > 0 {
		p.line("deepen %d", req.depth)
	}
	if req.filter != "" {
		p.line("filter %s", req.filter)
	}
	p.line("done")
	p.flush()
	return p.Bytes()
}

// readFetch reads the answer to fetchCommand into s.
func readFetch(p *packetReader, req fetchRequest, s *store) error {
	for {
		kind, line, err := p.line()
		if err != nil {
			return noEOF(err)
		}
		if kind == dataPacket && line == "packfile" {
			return readBandedPack(p, req, s)
		}
		if kind == flushPacket {
			return errors.New("the server sent no pack")
		}
	}
}

func readBandedPack(p *packetReader, req fetchRequest, s *store) error {
	band := &sideband{packets: p}
	var r io.Reader = band
	if req.budget > 0 {
		r = &budgetReader{r, req.budget}
	}
	if err := readPack(r, s, req.enough); err != nil {
		return err
	}
	_, err := io.Copy(io.Discard, band)
	return err
}

func pushCommand(u update) []byte {
	var p packets
	p.raw(fmt.Sprintf("%s %s %s\x00 report-status side-band-64k quiet %s", u.old, u.new, branchRef(u.branch), agentLine))
	p.flush()
	p.Write(writePack(u.objects))
	return p.Bytes()
}

// A rejection is a push that the server answered with no.
type rejection struct {
	status string // of the branch or of the pack: "pre-receive hook declined"
	remote string // what git shows behind "remote:"
}

func (r *rejection) Error() string {
	text := words(r.remote)
	if text == "" {
		return words(r.status)
	}
	return fmt.Sprintf("%s (remote: %s)", words(r.status), text)
}

// readReport reads the answer to a push. A nil error means that the server says
// it moved the branch.
func readReport(r io.Reader, branch string) error {
	p := newPacketReader(r)
	first, err := p.r.Peek(5)
	if err != nil {
		return noEOF(err)
	}
	if first[4] > 3 { // a server without side bands
		return readStatus(p, branch, func() string { return "" })
	}
	band := &sideband{packets: p}
	status := newPacketReader(band)
	err = readStatus(status, branch, func() string {
		_, _ = io.Copy(io.Discard, band) // text may follow the report
		return band.text.String()
	})
	return withRemote(err, band.text.String())
}

// withRemote adds what the server said before it gave up without a report.
func withRemote(err error, remote string) error {
	var said serverError
	if errors.As(err, &said) {
		return &rejection{status: string(said), remote: remote}
	}
	return err
}

func readStatus(p *packetReader, branch string, remote func() string) error {
	moved, problem := false, ""
	for {
		kind, line, err := p.line()
		if err != nil {
			return noEOF(err)
		}
		if kind == flushPacket {
			break
		}
		verb, rest, _ := strings.Cut(line, " ")
		name, reason, _ := strings.Cut(rest, " ")
		switch {
		case verb == "unpack" && rest != "ok":
			problem = "unpack: " + rest
		case verb == "ok" && name == branchRef(branch):
			moved = true
		case verb == "ng" && problem == "":
			problem = reason
		}
	}
	text := remote()
	if problem == "" && moved {
		return nil
	}
	return &rejection{status: firstOf(problem, "the server did not say that it moved the branch"), remote: text}
}
