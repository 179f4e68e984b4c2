// Package draft writes a first project file from what a repository holds: its
// images, its environments, and the kind of tags that each image has.
//
// What it writes is valid and commented: see [Project.Text]. It is a proposal, for a
// person to read before it is committed.
//
// One trap: images of other people are in every repository, and their versions are
// not changed in passing. [Own] tells the project's own images from theirs by the
// owner that most images have; all others become comments.
package draft
