// Package greet is on no proxy: only the vendor folder has it.
package greet

func By(name string) string { return name + " says" }
