package main

import (
	"fmt"
	"net/http"
	"os"

	"example.org/greet"
)

const number = "one"

func main() {
	http.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, greet.By("vendored go"), number) })
	http.ListenAndServe(":"+os.Getenv("PORT"), nil)
}
