package forge

import "errors"

// What callers decide on. Every error of a forge's package has one of these in
// its chain, unless the caller's context was cancelled, which is there instead.
var (
	// ErrAuth says that the forge refused the token, or the token may not do this.
	ErrAuth = errors.New("the forge refused the credentials")

	// ErrNotFound says that there is no such repository, or none that the token may see.
	ErrNotFound = errors.New("the forge knows no such repository")

	// ErrUnavailable says that the forge gave no useful answer after the retries:
	// a rate limit, a time-out, a server error or no connection.
	ErrUnavailable = errors.New("the forge is unavailable")

	// ErrInvalid says that the request cannot be granted as it is, such as a
	// proposal without commits, or that what came back is no forge's answer.
	ErrInvalid = errors.New("the forge cannot grant the request")
)
