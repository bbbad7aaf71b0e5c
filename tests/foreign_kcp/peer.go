// Other people's KCP (kcp-go) as a peer: it sends made messages and wants them back, or publishes what it reads.
//
//	peer echo ADDRESS CONV message|stream COUNT SIZE WINDOW MTU
//	peer publish ADDRESS CONV
package main

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"os"
	"strconv"
	"time"

	"github.com/xtaci/kcp-go"
)

func must(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func number(word string) int {
	value, err := strconv.Atoi(word)
	must(err)
	return value
}

func dial(address string, conv int) *kcp.UDPSession {
	to, err := net.ResolveUDPAddr("udp", address)
	must(err)
	socket, err := net.ListenPacket("udp", "127.0.0.1:0")
	must(err)
	session, err := kcp.NewConn3(uint32(conv), to, nil, 0, 0, socket)
	must(err)
	session.SetNoDelay(1, 10, 2, 1)
	session.SetStreamMode(true)
	return session
}

// The message of that number: its number, then bytes that follow from it.
func message(at, size int) []byte {
	bytes := make([]byte, size)
	state := uint32(at)*2654435761 + 1
	for i := range bytes {
		state = state*1664525 + 1013904223
		bytes[i] = byte(state >> 24)
	}
	if size >= 4 {
		binary.BigEndian.PutUint32(bytes, uint32(at))
	}
	return bytes
}

func echo(session *kcp.UDPSession, words []string) {
	stream, count, size := words[0] == "stream", number(words[1]), number(words[2])
	session.SetStreamMode(stream)
	session.SetWindowSize(number(words[3]), number(words[3]))
	if !session.SetMtu(number(words[4])) {
		must(fmt.Errorf("no such mtu: %s", words[4]))
	}
	// kcp-go itself cuts what is longer into messages of one segment each.
	whole := !stream && size+24 <= number(words[4])
	sent := sha256.New()
	go func() {
		for at := 0; at < count; at++ {
			_, err := session.Write(message(at, size))
			must(err)
		}
	}()
	for at := 0; at < count; at++ {
		sent.Write(message(at, size))
	}
	got, total := sha256.New(), 0
	buffer := make([]byte, 1<<20)
	for messages := 0; total < count*size; messages++ {
		must(session.SetReadDeadline(time.Now().Add(60 * time.Second)))
		n, err := session.Read(buffer)
		must(err)
		if whole && string(buffer[:n]) != string(message(messages, size)) {
			must(fmt.Errorf("message %d is another one", messages))
		}
		got.Write(buffer[:n])
		total += n
	}
	if string(got.Sum(nil)) != string(sent.Sum(nil)) {
		must(fmt.Errorf("other bytes came back"))
	}
	fmt.Printf("%d bytes in %d messages came back as they were\n", total, count)
}

func publish(session *kcp.UDPSession) {
	session.SetWindowSize(512, 512)
	_, err := io.Copy(session, os.Stdin)
	must(err)
	time.Sleep(3 * time.Second) // what is on its way still arrives: this KCP says nothing of it
}

func main() {
	session := dial(os.Args[2], number(os.Args[3]))
	if os.Args[1] == "echo" {
		echo(session, os.Args[4:])
	} else {
		publish(session)
	}
}
