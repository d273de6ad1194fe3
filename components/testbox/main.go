// The program that end-to-end tests run in pods: one static binary that acts by the name it is called by, or by its
// first argument.
//
//	serve [-port N]          HTTP: / answers host name, pod address and the caller's address; /env?name=, /echo, /healthz, /exit?code=
//	tcp-echo [-port N]       sends back what it receives
//	get URL                  one HTTP GET, body to stdout; -insecure, -timeout, -tries
//	dial HOST:PORT           opens a TCP connection, sends standard input, prints the answer
//	lookup NAME [A|SRV|PTR]  DNS
//	sleep SECONDS            or "infinity"; ends at once on SIGTERM
//	cat, echo, env, hostname, ls, true, false, id, write FILE: what kubectl exec and cp tests need
//	tar                      cf - PATH… and -xmf - [-C DIR]: what kubectl cp runs in the pod
//	burn SECONDS, hog MIB    CPU and memory load
package main

import (
	"archive/tar"
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/signal"
	"path/filepath"
	"sort"
	"strconv"
	"strings"
	"syscall"
	"time"
)

type command func(arguments []string) error

var commands = map[string]command{
	"serve": serve, "tcp-echo": tcpEcho, "get": get, "dial": dial, "lookup": lookup, "sleep": sleep, "cat": cat, "echo": echo,
	"env": environment, "hostname": hostname, "ls": list, "true": succeed, "false": fail, "write": write, "tar": tape,
	"burn": burn, "hog": hog, "id": identity,
}

func untilAsked() <-chan os.Signal {
	asked := make(chan os.Signal, 1)
	signal.Notify(asked, syscall.SIGTERM, syscall.SIGINT)
	return asked
}

func address() string {
	addresses, err := net.InterfaceAddrs()
	if err != nil {
		return ""
	}
	for _, candidate := range addresses {
		if network, ok := candidate.(*net.IPNet); ok && network.IP.IsGlobalUnicast() {
			return network.IP.String()
		}
	}
	return ""
}

func serve(arguments []string) error {
	flags := flag.NewFlagSet("serve", flag.ContinueOnError)
	port := flags.Int("port", 8080, "TCP port")
	grace := flags.Duration("grace", 0, "how long to go on serving after SIGTERM")
	if err := flags.Parse(arguments); err != nil {
		return err
	}
	name, _ := os.Hostname()
	mux := http.NewServeMux()
	mux.HandleFunc("/", func(answer http.ResponseWriter, request *http.Request) {
		fmt.Fprintf(answer, "hostname=%s\naddress=%s\nclient=%s\npath=%s\n", name, address(), request.RemoteAddr, request.URL.Path)
	})
	mux.HandleFunc("/healthz", func(answer http.ResponseWriter, _ *http.Request) { fmt.Fprintln(answer, "ok") })
	mux.HandleFunc("/echo", func(answer http.ResponseWriter, request *http.Request) { _, _ = io.Copy(answer, request.Body) })
	mux.HandleFunc("/env", func(answer http.ResponseWriter, request *http.Request) {
		fmt.Fprintln(answer, os.Getenv(request.URL.Query().Get("name")))
	})
	mux.HandleFunc("/exit", func(_ http.ResponseWriter, request *http.Request) {
		code, _ := strconv.Atoi(request.URL.Query().Get("code"))
		os.Exit(code)
	})
	server := &http.Server{Addr: fmt.Sprintf(":%d", *port), Handler: mux, ReadHeaderTimeout: 10 * time.Second}
	go func() {
		<-untilAsked()
		time.Sleep(*grace)
		_ = server.Shutdown(context.Background())
	}()
	fmt.Printf("serving on %s:%d as %s\n", address(), *port, name)
	if err := server.ListenAndServe(); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

func tcpEcho(arguments []string) error {
	flags := flag.NewFlagSet("tcp-echo", flag.ContinueOnError)
	port := flags.Int("port", 7, "TCP port")
	if err := flags.Parse(arguments); err != nil {
		return err
	}
	listener, err := net.Listen("tcp", fmt.Sprintf(":%d", *port))
	if err != nil {
		return err
	}
	for {
		connection, err := listener.Accept()
		if err != nil {
			return err
		}
		go func() {
			defer connection.Close() //nolint:errcheck
			_, _ = io.Copy(connection, connection)
		}()
	}
}

func getOnce(client *http.Client, url string) error {
	answer, err := client.Get(url)
	if err != nil {
		return err
	}
	defer answer.Body.Close() //nolint:errcheck
	if _, err := io.Copy(os.Stdout, answer.Body); err != nil {
		return err
	}
	if answer.StatusCode >= 400 {
		return fmt.Errorf("%s: %s", url, answer.Status)
	}
	return nil
}

func get(arguments []string) error {
	flags := flag.NewFlagSet("get", flag.ContinueOnError)
	insecure := flags.Bool("insecure", false, "accept any certificate")
	timeout := flags.Duration("timeout", 5*time.Second, "of one try")
	tries := flags.Int("tries", 1, "how often, a second apart")
	if err := flags.Parse(arguments); err != nil {
		return err
	}
	if flags.NArg() != 1 {
		return errors.New("get: one URL wanted")
	}
	transport := &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: *insecure}, DisableKeepAlives: true} //nolint:gosec
	client := &http.Client{Timeout: *timeout, Transport: transport}
	var err error
	for try := range *tries {
		if try > 0 {
			time.Sleep(time.Second)
		}
		if err = getOnce(client, flags.Arg(0)); err == nil {
			return nil
		}
	}
	return err
}

func dial(arguments []string) error {
	if len(arguments) != 1 {
		return errors.New("dial: HOST:PORT wanted")
	}
	connection, err := net.DialTimeout("tcp", arguments[0], 5*time.Second)
	if err != nil {
		return err
	}
	defer connection.Close() //nolint:errcheck
	if _, err := io.Copy(connection, os.Stdin); err != nil {
		return err
	}
	if err := connection.(*net.TCPConn).CloseWrite(); err != nil {
		return err
	}
	_, err = io.Copy(os.Stdout, connection)
	return err
}

func lookup(arguments []string) error {
	if len(arguments) == 0 {
		return errors.New("lookup: a name wanted")
	}
	kind := "A"
	if len(arguments) > 1 {
		kind = strings.ToUpper(arguments[1])
	}
	limited, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	var found []string
	var err error
	switch kind {
	case "A":
		found, err = net.DefaultResolver.LookupHost(limited, arguments[0])
	case "PTR":
		found, err = net.DefaultResolver.LookupAddr(limited, arguments[0])
	case "SRV":
		var services []*net.SRV
		_, services, err = net.DefaultResolver.LookupSRV(limited, "", "", arguments[0])
		for _, service := range services {
			found = append(found, fmt.Sprintf("%s:%d", service.Target, service.Port))
		}
	default:
		return fmt.Errorf("lookup: %s is none of A, PTR, SRV", kind)
	}
	sort.Strings(found)
	for _, line := range found {
		fmt.Println(line)
	}
	return err
}

func sleep(arguments []string) error {
	if len(arguments) != 1 {
		return errors.New("sleep: seconds or infinity wanted")
	}
	var elapsed <-chan time.Time
	if arguments[0] != "infinity" {
		seconds, err := strconv.ParseFloat(arguments[0], 64)
		if err != nil {
			return err
		}
		elapsed = time.After(time.Duration(seconds * float64(time.Second)))
	}
	select {
	case <-elapsed:
	case <-untilAsked():
	}
	return nil
}

func cat(arguments []string) error {
	if len(arguments) == 0 {
		_, err := io.Copy(os.Stdout, os.Stdin)
		return err
	}
	for _, path := range arguments {
		content, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		if _, err := os.Stdout.Write(content); err != nil {
			return err
		}
	}
	return nil
}

func echo(arguments []string) error {
	fmt.Println(strings.Join(arguments, " "))
	return nil
}

func environment([]string) error {
	all := os.Environ()
	sort.Strings(all)
	fmt.Println(strings.Join(all, "\n"))
	return nil
}

func hostname([]string) error {
	name, err := os.Hostname()
	fmt.Println(name)
	return err
}

func identity([]string) error {
	groups, err := os.Getgroups()
	fmt.Printf("uid=%d gid=%d groups=%v\n", os.Getuid(), os.Getgid(), groups)
	return err
}

func list(arguments []string) error {
	if len(arguments) == 0 {
		arguments = []string{"."}
	}
	for _, folder := range arguments {
		entries, err := os.ReadDir(folder)
		if err != nil {
			return err
		}
		for _, entry := range entries {
			fmt.Println(entry.Name())
		}
	}
	return nil
}

func write(arguments []string) error {
	if len(arguments) != 1 {
		return errors.New("write: a path wanted; content comes from standard input")
	}
	file, err := os.Create(arguments[0])
	if err != nil {
		return err
	}
	if _, err := io.Copy(file, bufio.NewReader(os.Stdin)); err != nil {
		return err
	}
	if err := file.Sync(); err != nil {
		return err
	}
	return file.Close()
}

func succeed([]string) error { return nil }

func fail([]string) error { return errors.New("false") }

func burn(arguments []string) error {
	if len(arguments) != 1 {
		return errors.New("burn: seconds wanted")
	}
	seconds, err := strconv.ParseFloat(arguments[0], 64)
	if err != nil {
		return err
	}
	for end := time.Now().Add(time.Duration(seconds * float64(time.Second))); time.Now().Before(end); {
	}
	return nil
}

func hog(arguments []string) error {
	if len(arguments) != 1 {
		return errors.New("hog: MiB wanted")
	}
	size, err := strconv.Atoi(arguments[0])
	if err != nil {
		return err
	}
	held := make([]byte, size<<20)
	for at := 0; at < len(held); at += 4096 {
		held[at] = 1
	}
	fmt.Println("holding", len(held), "bytes")
	<-untilAsked()
	held[0] = 0
	return nil
}

// tape understands the two forms that kubectl cp uses: "cf - PATH…" and "-xmf - [-C DIR]".
func tape(arguments []string) error {
	extract, folder, paths := false, ".", []string{}
	for at := 0; at < len(arguments); at++ {
		switch argument := arguments[at]; {
		case argument == "-C" && at+1 < len(arguments):
			at++
			folder = arguments[at]
		case argument == "-" || argument == "--no-same-permissions" || argument == "--no-same-owner":
		case at == 0 || strings.HasPrefix(argument, "-"):
			extract = extract || strings.Contains(argument, "x")
		default:
			paths = append(paths, argument)
		}
	}
	if extract {
		return unpack(folder)
	}
	return pack(folder, paths)
}

func pack(folder string, paths []string) error {
	writer := tar.NewWriter(os.Stdout)
	for _, path := range paths {
		root := path
		if !filepath.IsAbs(root) {
			root = filepath.Join(folder, path)
		}
		err := filepath.Walk(root, func(at string, info os.FileInfo, err error) error {
			if err != nil {
				return err
			}
			target := ""
			if info.Mode()&os.ModeSymlink != 0 {
				if target, err = os.Readlink(at); err != nil {
					return err
				}
			}
			header, err := tar.FileInfoHeader(info, target)
			if err != nil {
				return err
			}
			header.Name = strings.TrimPrefix(at, "/")
			if err := writer.WriteHeader(header); err != nil || !info.Mode().IsRegular() {
				return err
			}
			file, err := os.Open(at)
			if err != nil {
				return err
			}
			defer file.Close() //nolint:errcheck
			_, err = io.Copy(writer, file)
			return err
		})
		if err != nil {
			return err
		}
	}
	return writer.Close()
}

func unpack(folder string) error {
	reader := tar.NewReader(os.Stdin)
	for {
		header, err := reader.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if !filepath.IsLocal(header.Name) {
			return fmt.Errorf("%s leaves the folder", header.Name)
		}
		path := filepath.Join(folder, header.Name)
		switch header.Typeflag {
		case tar.TypeDir:
			err = os.MkdirAll(path, 0o755)
		case tar.TypeReg:
			err = unpackFile(path, reader, header.FileInfo().Mode().Perm())
		}
		if err != nil {
			return err
		}
	}
}

func unpackFile(path string, content io.Reader, mode os.FileMode) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	file, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, mode)
	if err != nil {
		return err
	}
	if _, err := io.Copy(file, content); err != nil {
		return err
	}
	return file.Close()
}

func main() {
	name, arguments := filepath.Base(os.Args[0]), os.Args[1:]
	if _, known := commands[name]; !known && len(arguments) > 0 {
		name, arguments = arguments[0], arguments[1:]
	}
	run, known := commands[name]
	if !known {
		fmt.Fprintf(os.Stderr, "testbox: %q is none of its commands\n", name)
		os.Exit(2)
	}
	if err := run(arguments); err != nil {
		fmt.Fprintln(os.Stderr, name+":", err)
		os.Exit(1)
	}
}
