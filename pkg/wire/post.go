package wire

import (
	"context"
	"time"

	"github.com/tagbump/tagbump/pkg/internal/post"
)

// Post brings a document to a server that the run can do without, within a time.
func (w World) Post(ctx context.Context, doc post.Document, tries int, budget time.Duration) error {
	return post.Sender{Transport: w.transport(), UserAgent: w.UserAgent, Tries: tries, Budget: budget}.Send(ctx, doc)
}
