// Package bump runs a request from end to end: it resolves the wanted tags,
// plans the edits on the branch's tip, and previews, saves or proposes them.
//
// It is the conductor. What it needs from the world it declares as small
// interfaces, so that it knows neither HTTP nor git. A [Source] says which tag an
// image should get; the result is a [Resolved], then a plan, an [Outcome] and a
// [Report]. Each is made once and not changed afterwards.
//
// It refuses a tag that the registry does not have, one that is older than the
// deployed one, one that the image's policy does not permit, and a change of
// several environments that nobody has chosen.
//
// # Lost races
//
// A push can lose a race. Then nothing is merged or forced: the tip is read again
// and the plan is made again on it, because the winner may have changed the very
// value that this run was about to change. Of fifty jobs at once on one branch the
// unluckiest lost 9 to 13 races before it got through, so a run gives up after 50.
//
// # Older or newer
//
// Whether a tag is older than the deployed one is told by the first of these that
// knows: the image's policy, if both tags are of it; the creation of the images; the
// tags themselves, if both are dotted versions; the numbers of the pipelines that
// set them, from the trailers of commits. When none knows, the run goes on and says
// so. A registry that does not answer ends the run: it might roll back production.
//
// # Files that help
//
// A tag in values-production.yaml belongs to the image that the chart's values.yaml
// names. So the files beside and above the wanted ones are read with them, and what
// these name in a second round. Of a folder all files are read.
package bump
