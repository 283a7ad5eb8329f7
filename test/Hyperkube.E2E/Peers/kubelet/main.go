// SPDX-FileCopyrightText: 2026 The hyperkube authors
// SPDX-License-Identifier: Apache-2.0

// Stands in for the kubelet: says its version, answers at its health port, and is as ill as /run/kubelet-VERSION says.
package main

import (
	"fmt"
	"net/http"
	"os"
	"strings"
	"time"
)

var version = "v0.0.0"

func illness() string {
	text, _ := os.ReadFile("/run/kubelet-" + version)
	return strings.TrimSpace(string(text))
}

func main() {
	if len(os.Args) > 1 && os.Args[1] == "--version" {
		fmt.Println("Kubernetes " + version)
		return
	}
	switch illness() {
	case "crash":
		os.Exit(1)
	case "slow":
		time.Sleep(8 * time.Second)
	}
	http.HandleFunc("/healthz", func(answer http.ResponseWriter, _ *http.Request) {
		switch illness() {
		case "500":
			answer.WriteHeader(http.StatusInternalServerError)
		case "hang":
			time.Sleep(time.Hour)
		}
		fmt.Fprint(answer, "ok")
	})
	panic(http.ListenAndServe("127.0.0.1:10248", nil))
}
