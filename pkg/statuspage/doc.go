// Package statuspage writes a status report as one HTML page: for a CI artifact, a
// chat or a wall.
//
// The page needs nothing beside itself. It makes no request, which its own content
// security policy also forbids, follows the light or dark theme of its reader, and
// fits a phone. Its script only sorts and filters; without it all of the page is
// there.
//
// One trap: tags, names of images and authors come from files and registries. Every
// text goes through the escaping writer, see [html.EscapeString]; there is no way
// around it for values.
package statuspage
