package wire

import (
	"context"
	"net/http"
)

// A Prober is a Remote that can find out without a push whether a push would be let
// in. What hooks and rules for branches would say stays open.
type Prober interface {
	// MayPush returns the error that a push would end with at the door.
	MayPush(ctx context.Context) error
}

// MayPush asks for the refs as a push over http does first.
func (h *httpRemote) MayPush(ctx context.Context) error {
	resp, err := h.request(ctx, http.MethodGet, "/info/refs?service="+receivePack, nil)
	if err != nil {
		return err
	}
	defer drain(resp.Body)
	if kind := resp.Header.Get("Content-Type"); kind != "application/x-"+receivePack+"-advertisement" {
		return Classify(ctx, h.notGit(resp))
	}
	return nil
}

// MayPush starts the service of a push, reads what it says first, and asks it for
// nothing.
func (r *sshRemote) MayPush(ctx context.Context) error {
	ctx, end := r.begin(ctx)
	defer end()
	p, err := r.start(ctx, receivePack)
	if err != nil {
		return err
	}
	defer func() { _ = p.ch.Close() }()
	if err := skipAdvertisement(p.in); err != nil {
		return r.explain(ctx, p, err)
	}
	_, _ = p.ch.Write([]byte("0000")) // the end of an empty list of commands
	return nil
}
