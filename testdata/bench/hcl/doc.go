// Package hcl compares the reader of HCL in textedit with HashiCorp's: both must find
// the same keys and values at the same bytes.
package hcl
