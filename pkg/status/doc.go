// Package status finds out which tag each image has in each environment, and how
// that compares with the registry.
//
// [Make] reads the files once and asks the registry about all images side by side.
// Its [Report] is data; [Table] and [Markdown] write it for people.
//
// A registry that does not answer for one image does not spoil the report: unknown
// values are left out, and [Report.Err] says why.
//
// One trap: "behind" counts the tags that the image's policy permits and that are
// newer than the deployed one. A tag that the policy does not permit has no place
// in that list, and so is neither behind nor up to date.
package status
