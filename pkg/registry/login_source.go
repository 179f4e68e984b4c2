package registry

import "context"

// LoginSource says where the log-in for a repository's registry is from: the name of a
// variable, a file or a helper program; "" when the registry is asked anonymously.
func (c *Client) LoginSource(ctx context.Context, repository string) (string, error) {
	repo, err := c.parseRepository(repository)
	if err != nil {
		return "", err
	}
	if keychain, ok := c.keychain.(*Keychain); ok {
		return keychain.find(ctx, repo).source, nil
	}
	return "", nil
}
