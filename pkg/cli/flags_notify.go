package cli

import (
	"context"
	"time"

	"github.com/spf13/cobra"

	"github.com/tagbump/tagbump/pkg/config"
	"github.com/tagbump/tagbump/pkg/fault"
	"github.com/tagbump/tagbump/pkg/internal/post"
	"github.com/tagbump/tagbump/pkg/notify"
	"github.com/tagbump/tagbump/pkg/record"
	"github.com/tagbump/tagbump/pkg/wire"
)

// notifyFlags say which chat or program is told of a run.
type notifyFlags struct{ url, format, text, on string }

func (f *notifyFlags) add(cmd *cobra.Command) {
	cmd.Flags().StringVar(&f.url, "notify-url", "", "tell the webhook at `URL` what the run came to; the address is a secret, so better set TAGBUMP_NOTIFY_URL")
	cmd.Flags().StringVar(&f.format, "notify-format", "", "message for the webhook: `slack|teams|json` (default: by the webhook's host)")
	cmd.Flags().StringVar(&f.text, "notify-text", "", "a `TEXT` instead of the usual message, with placeholders such as {{.Subject}}, {{.Image}}, {{.Tag}}, {{.TriggeredBy}}, {{.CommitURL}}")
	cmd.Flags().StringVar(&f.on, "notify-on", "", "tell of `changes|failure|always`; changes includes failures (default: changes)")
	completeWith(cmd, "notify-format", notify.Formats()...)
	completeWith(cmd, "notify-on", notify.Ons()...)
	inGroup(cmd, groupOutput, "notify-url", "notify-format", "notify-text", "notify-on")
}

// prepare refuses what cannot be told, and makes the address known to the mask.
func (f *notifyFlags) prepare(env Env) error {
	for _, secret := range notify.Secrets(f.url) {
		env.learn("", secret)
	}
	if f.format != "" {
		if err := oneOf("notify-format", f.format, notify.Formats()...); err != nil {
			return err
		}
	}
	if f.on != "" {
		if err := oneOf("notify-on", f.on, notify.Ons()...); err != nil {
			return err
		}
	}
	if _, err := notify.ParseText(f.text); err != nil {
		return fault.Errorf(fault.Usage, "--notify-text: %w", err)
	}
	if f.url == "" {
		return nil
	}
	if why := notify.Check(f.url); why != "" {
		return fault.Errorf(fault.Usage, "--notify-url: %s", why)
	}
	return nil
}

// or returns the flags, with the project file's values where they are not given.
func (f notifyFlags) or(configured config.Notify) notifyFlags {
	f.format = firstOf(f.format, configured.Format)
	f.text = firstOf(f.text, configured.Text)
	f.on = firstOf(f.on, configured.On)
	return f
}

// The limits of a notification.
const (
	notifyTries  = 3
	notifyBudget = 10 * time.Second
)

// tells lists what there is to tell of a run: nothing without an address, and nothing of
// a dry run.
func (f notifyFlags) tells(env Env, w wire.World, done conclusion) []telling {
	f = f.or(done.notify)
	event := done.event(env)
	if f.url == "" || done.dryRun || !notify.On(f.on).Tells(event) {
		return nil
	}
	return []telling{{"--notify-url", func(ctx context.Context) error {
		text, err := notify.ParseText(f.text)
		if err != nil {
			return err
		}
		format := notify.Format(firstOf(f.format, string(notify.FormatOf(f.url))))
		payload, err := format.Payload(event, text)
		if err != nil {
			return err
		}
		header := map[string]string{"Content-Type": "application/json"}
		return w.Post(ctx, post.Document{URL: f.url, Header: header, Body: payload}, notifyTries, notifyBudget)
	}}}
}

// event returns the conclusion for a chat, without secrets.
func (c conclusion) event(env Env) notify.Event {
	r := c.result(env)
	event := notify.Event{
		State: r.State, Environment: r.Environment, Repository: c.printer.where, Error: r.Error, Kind: r.Kind,
		TriggeredBy: c.request.Provenance.TriggeredBy, Commit: r.Commit, CommitURL: r.CommitURL,
		PullRequest: r.PullRequest, BuildURL: env.secrets.Text(c.request.Provenance.BuildURL),
	}
	if c.failed() {
		event.Hint = env.secrets.Text(fault.HintOf(c.err))
	}
	for _, img := range c.images() {
		one := notify.Image{Name: img.Repository, From: previousTag(img), To: img.Tag}
		if record.IsRevision(img.Revision) {
			one.Revision = img.Revision
		}
		event.Images = append(event.Images, one)
	}
	if len(event.Images) == 0 {
		for _, img := range c.request.Images {
			event.Images = append(event.Images, notify.Image{Name: img.Repository})
		}
	}
	return event
}
