// One gRPC call by grpc-go, with bytes for messages: the library that talosctl and the other Go clients of Talos are
// built on, as a witness for end-to-end tests.
//
//	grpcprobe [flags] ADDRESS METHOD [REQUEST…]
//
// Requests are messages in hexadecimal (none: one empty message), all sent before the first answer is read.
// The outcome is one line of JSON: code, message, header, trailer, responses (hexadecimal). The exit code is 0
// whatever the status of the call: the test judges it.
package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/encoding/gzip"
	"google.golang.org/grpc/keepalive"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
)

// raw passes messages through. Its name is what goes behind "application/grpc+".
type raw struct{}

func (raw) Marshal(value any) ([]byte, error) { return *value.(*[]byte), nil }

func (raw) Unmarshal(data []byte, value any) error {
	*value.(*[]byte) = append([]byte(nil), data...)
	return nil
}

func (raw) Name() string { return "proto" }

type pairs []string

func (p *pairs) String() string { return strings.Join(*p, ",") }

func (p *pairs) Set(value string) error {
	name, content, found := strings.Cut(value, "=")
	if !found {
		return errors.New("NAME=VALUE expected")
	}
	*p = append(*p, name, content)
	return nil
}

type outcome struct {
	Code      string      `json:"code"`
	Message   string      `json:"message"`
	Header    metadata.MD `json:"header"`
	Trailer   metadata.MD `json:"trailer"`
	Responses []string    `json:"responses"`
}

var (
	authority   = flag.String("ca", "", "PEM file; plain text without it")
	certificate = flag.String("cert", "", "PEM file of the client")
	key         = flag.String("key", "", "PEM file of the client")
	timeout     = flag.Duration("timeout", 30*time.Second, "deadline of the call")
	compress    = flag.Bool("gzip", false, "compress requests")
	most        = flag.Int("most", 0, "cancel after so many responses")
	times       = flag.Int("times", 1, "calls side by side on one connection; the last outcome is printed")
	sent        pairs
)

func main() {
	flag.Var(&sent, "meta", "NAME=VALUE of request metadata, repeatable")
	flag.Parse()
	if err := run(flag.Args()); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(arguments []string) error {
	if len(arguments) < 2 {
		return errors.New("ADDRESS and METHOD expected")
	}
	requests := [][]byte{{}}
	if len(arguments) > 2 {
		requests = nil
	}
	for _, argument := range arguments[2:] {
		request, err := hex.DecodeString(argument)
		if err != nil {
			return err
		}
		requests = append(requests, request)
	}
	transport, err := transportCredentials()
	if err != nil {
		return err
	}
	options := []grpc.CallOption{grpc.ForceCodec(raw{}), grpc.MaxCallRecvMsgSize(32 << 20)}
	if *compress {
		options = append(options, grpc.UseCompressor(gzip.Name))
	}
	connection, err := grpc.NewClient(arguments[0], grpc.WithTransportCredentials(transport), grpc.WithDefaultCallOptions(options...),
		grpc.WithKeepaliveParams(keepalive.ClientParameters{Time: 10 * time.Second, Timeout: 5 * time.Second}), grpc.WithSharedWriteBuffer(true))
	if err != nil {
		return err
	}
	defer connection.Close()
	outcomes := make([]outcome, *times)
	var group sync.WaitGroup
	for number := range outcomes {
		group.Go(func() { outcomes[number] = call(connection, arguments[1], requests) })
	}
	group.Wait()
	for _, one := range outcomes {
		if one.Code != outcomes[0].Code {
			return fmt.Errorf("calls side by side ended with %s (%s) and %s", outcomes[0].Code, outcomes[0].Message, one.Code)
		}
	}
	return json.NewEncoder(os.Stdout).Encode(outcomes[len(outcomes)-1])
}

func transportCredentials() (credentials.TransportCredentials, error) {
	if *authority == "" {
		return insecure.NewCredentials(), nil
	}
	content, err := os.ReadFile(*authority)
	if err != nil {
		return nil, err
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(content) {
		return nil, fmt.Errorf("%s holds no certificate", *authority)
	}
	config := &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS13}
	if *certificate != "" {
		pair, err := tls.LoadX509KeyPair(*certificate, *key)
		if err != nil {
			return nil, err
		}
		config.Certificates = []tls.Certificate{pair}
	}
	return credentials.NewTLS(config), nil
}

func call(connection *grpc.ClientConn, method string, requests [][]byte) outcome {
	ctx, cancel := context.WithTimeout(context.Background(), *timeout)
	defer cancel()
	ctx = metadata.AppendToOutgoingContext(ctx, sent...)
	found := outcome{Responses: []string{}}
	stream, err := connection.NewStream(ctx, &grpc.StreamDesc{ServerStreams: true, ClientStreams: true}, method)
	if err == nil {
		err = exchange(stream, requests, &found, cancel)
		found.Header, _ = stream.Header()
		found.Trailer = stream.Trailer()
	}
	told := status.Convert(err)
	found.Code, found.Message = told.Code().String(), told.Message()
	return found
}

func exchange(stream grpc.ClientStream, requests [][]byte, found *outcome, cancel func()) error {
	for _, request := range requests {
		if err := stream.SendMsg(&request); err != nil {
			break // the status is what receiving tells
		}
	}
	if err := stream.CloseSend(); err != nil {
		return err
	}
	for {
		var response []byte
		err := stream.RecvMsg(&response)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		found.Responses = append(found.Responses, hex.EncodeToString(response))
		if *most > 0 && len(found.Responses) >= *most {
			cancel()
		}
	}
}
