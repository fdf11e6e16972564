// Package kube has the event in the shape that kubernetes-event-exporter gives its templates.
package kube

import (
	"encoding/json"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// EnhancedEvent is a core/v1 Event with the cluster's name and what was looked up.
type EnhancedEvent struct {
	corev1.Event   `json:",inline"`
	ClusterName    string                  `json:"clusterName"`
	InvolvedObject EnhancedObjectReference `json:"involvedObject"`
}

// EnhancedObjectReference is the involved object with what was looked up.
type EnhancedObjectReference struct {
	corev1.ObjectReference `json:",inline"`
	Labels                 map[string]string       `json:"labels,omitempty"`
	Annotations            map[string]string       `json:"annotations,omitempty"`
	OwnerReferences        []metav1.OwnerReference `json:"ownerReferences,omitempty"`
	Deleted                bool                    `json:"deleted"`
}

func undotted(labels map[string]string) map[string]string {
	if len(labels) == 0 {
		return labels
	}
	renamed := map[string]string{}
	for key, value := range labels {
		renamed[strings.ReplaceAll(key, ".", "_")] = value
	}
	return renamed
}

// DeDot has `_` for each `.` in the keys of labels and annotations.
func (event EnhancedEvent) DeDot() EnhancedEvent {
	event.Labels = undotted(event.Labels)
	event.Annotations = undotted(event.Annotations)
	event.InvolvedObject.Labels = undotted(event.InvolvedObject.Labels)
	event.InvolvedObject.Annotations = undotted(event.InvolvedObject.Annotations)
	return event
}

// ToJSON is the event as JSON.
func (event *EnhancedEvent) ToJSON() []byte {
	text, _ := json.Marshal(event)
	return text
}

func (event *EnhancedEvent) timestamp() time.Time {
	if event.FirstTimestamp.IsZero() {
		return event.EventTime.Time
	}
	return event.FirstTimestamp.Time
}

// GetTimestampMs is the first timestamp, else the event time, in milliseconds.
func (event *EnhancedEvent) GetTimestampMs() int64 {
	return event.timestamp().UnixNano() / 1000000
}

// GetTimestampISO8601 is the same time as text.
func (event *EnhancedEvent) GetTimestampISO8601() string {
	return event.timestamp().Format("2006-01-02T15:04:05.000Z")
}

// Parse reads weir's document. The outer involvedObject hides the embedded one from encoding/json, so that
// the embedded event is read by itself, as KEE's watcher sets both.
func Parse(text string) *EnhancedEvent {
	event := &EnhancedEvent{}
	if err := json.Unmarshal([]byte(text), event); err != nil {
		panic(err)
	}
	if err := json.Unmarshal([]byte(text), &event.Event); err != nil {
		panic(err)
	}
	return event
}
