package forge

import "github.com/tagbump/tagbump/pkg/fault"

// Every error of a forge's package wraps one of these, or the error of the
// caller's context when that was cancelled.
var (
	// ErrAuth says that the forge refused the token, or the token may not do this.
	ErrAuth = fault.New(fault.NoAccess, "the forge refused the credentials")

	// ErrNotFound says that the repository does not exist, or that the token may not
	// see it.
	ErrNotFound = fault.New(fault.NotFound, "the forge does not know the repository")

	// ErrUnavailable says that the forge gave no useful answer after the retries:
	// a rate limit, a time-out, a server error or no connection.
	ErrUnavailable = fault.New(fault.Unavailable, "the forge is unavailable")

	// ErrInvalid says that the request cannot be granted as it is, such as a
	// proposal without commits, or that the answer is not one of a forge's API.
	ErrInvalid = fault.New(fault.Failed, "the forge cannot grant the request")
)
