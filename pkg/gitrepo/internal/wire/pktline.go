package wire

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"strconv"
)

// packetKind tells the packets of gitprotocol-common apart. go-git's scanner knows
// neither the delimiter nor the end of a response, which version 2 needs.
type packetKind int

const (
	dataPacket  packetKind = iota
	flushPacket            // 0000
	delimPacket            // 0001
	endPacket              // 0002
)

const (
	maxPacket = 65520 // bytes of a packet with its length
	// maxLines bounds the bytes of all the lines that one answer may have: a version 0
	// server lists every branch, and 64 MiB are about a million of them.
	maxLines = 64 << 20
	// maxTalk bounds the bytes of band 2, the text that a server shows to people.
	maxTalk = 16 << 20
	// keptTalk is how much of that text is kept.
	keptTalk = 64 << 10
)

var errNotPackets = errors.New("the answer is not git's protocol")

// A packetReader reads packets ("pkt-lines") from a stream.
type packetReader struct {
	r     *bufio.Reader
	buf   [maxPacket]byte
	lines int  // bytes of lines that were read
	begun bool // there was a packet
}

func newPacketReader(r io.Reader) *packetReader {
	return &packetReader{r: bufio.NewReaderSize(r, 32<<10)}
}

// next returns the next packet. Its payload is valid until the following call. io.EOF
// means that the stream ended between two packets. A payload "ERR …" is a serverError.
// After errNotPackets the offending bytes are still in p.r.
func (p *packetReader) next() (packetKind, []byte, error) {
	head, err := p.r.Peek(4)
	if err != nil {
		if len(head) > 0 {
			err = noEOF(err)
		}
		return 0, nil, err
	}
	size, err := strconv.ParseUint(string(head), 16, 16)
	if err != nil || size == 3 || size > maxPacket {
		return 0, nil, errNotPackets
	}
	_, _ = p.r.Discard(4)
	p.begun = true
	if size < 3 {
		return packetKind(size) + flushPacket, nil, nil
	}
	payload := p.buf[:size-4]
	if _, err := io.ReadFull(p.r, payload); err != nil {
		return 0, nil, noEOF(err)
	}
	if text, isErr := bytes.CutPrefix(payload, []byte("ERR ")); isErr {
		return 0, nil, serverError(text)
	}
	return dataPacket, payload, nil
}

// line is next for text: the payload without its line end.
func (p *packetReader) line() (packetKind, string, error) {
	kind, payload, err := p.next()
	if p.lines += len(payload); p.lines > maxLines {
		return kind, "", Fail(ErrUnsupported, "the server lists over %d MiB of branches", maxLines>>20)
	}
	return kind, string(bytes.TrimSuffix(payload, []byte("\n"))), err
}

// noEOF turns the end of a stream into an error where the stream should go on.
func noEOF(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}

// A serverError is what a server says instead of an answer.
type serverError string

func (e serverError) Error() string { return "the server says: " + words(string(e)) }

// packets is a request that is being written.
type packets struct{ bytes.Buffer }

func (p *packets) line(format string, args ...any) {
	text := fmt.Sprintf(format, args...)
	fmt.Fprintf(p, "%04x%s\n", len(text)+5, text)
}

// raw adds a payload without a line end.
func (p *packets) raw(payload string) { fmt.Fprintf(p, "%04x%s", len(payload)+4, payload) }
func (p *packets) flush()             { p.WriteString("0000") }
func (p *packets) delim()             { p.WriteString("0001") }

// A sideband reads band 1 of an answer and collects band 2, the text that git shows
// behind "remote:". Band 3 ends the answer with an error.
type sideband struct {
	packets *packetReader
	rest    []byte
	text    bytes.Buffer
	talk    int // bytes of band 2
	err     error
}

func (s *sideband) Read(p []byte) (int, error) {
	for len(s.rest) == 0 {
		if s.err == nil {
			s.err = s.fill()
		}
		if s.err != nil {
			return 0, s.err
		}
	}
	n := copy(p, s.rest)
	s.rest = s.rest[n:]
	return n, nil
}

func (s *sideband) fill() error {
	kind, payload, err := s.packets.next()
	switch {
	case err != nil:
		return noEOF(err)
	case kind != dataPacket:
		return io.EOF
	case len(payload) == 0:
		return nil
	}
	switch band, data := payload[0], payload[1:]; band {
	case 1:
		s.rest = data
	case 2:
		return s.hear(data)
	case 3:
		return serverError(data)
	default:
		return errNotPackets
	}
	return nil
}

func (s *sideband) hear(text []byte) error {
	if s.talk += len(text); s.talk > maxTalk {
		return Fail(ErrUnavailable, "the server does not stop talking").Final()
	}
	s.text.Write(text[:min(len(text), keptTalk-s.text.Len())])
	return nil
}
