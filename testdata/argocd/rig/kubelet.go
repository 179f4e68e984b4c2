package main

import (
	"context"
	"flag"
	"fmt"
	"log"
	"regexp"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/cache"
	"k8s.io/client-go/tools/clientcmd"
)

// doesNotStart are the images that stay in ImagePullBackOff.
var doesNotStart = regexp.MustCompile(`:bad[^/]*$`)

// fakeKubelet is the scheduler and the kubelet of a cluster that runs nothing: a moment
// after a Pod was made, it writes its status. So Deployments become available or do
// not, and Jobs complete or fail.
func fakeKubelet(args []string) error {
	flags := flag.NewFlagSet("fake-kubelet", flag.ExitOnError)
	kubeconfig := flags.String("kubeconfig", "", "how to reach the API server")
	readyAfter := flags.Duration("ready-after", time.Second, "time from a Pod's creation until it is Ready")
	_ = flags.Parse(args)
	config, err := clientcmd.BuildConfigFromFlags("", *kubeconfig)
	if err != nil {
		return err
	}
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		return err
	}
	start := func(object any) {
		pod, isPod := object.(*corev1.Pod)
		if !isPod || pod.DeletionTimestamp != nil || len(pod.Status.ContainerStatuses) > 0 {
			return
		}
		time.AfterFunc(*readyAfter, func() {
			started := pod.DeepCopy()
			started.Status = statusOf(pod, metav1.Now())
			_, err := client.CoreV1().Pods(pod.Namespace).UpdateStatus(context.Background(), started, metav1.UpdateOptions{})
			log.Printf("%s/%s: %s (%v)", pod.Namespace, pod.Name, started.Status.Phase, err)
		})
	}
	factory := informers.NewSharedInformerFactory(client, 30*time.Second)
	handler := cache.ResourceEventHandlerFuncs{AddFunc: start, UpdateFunc: func(_, now any) { start(now) }}
	if _, err := factory.Core().V1().Pods().Informer().AddEventHandler(handler); err != nil {
		return err
	}
	factory.Start(context.Background().Done())
	select {}
}

// statusOf returns the status of a Pod that has started, or cannot.
func statusOf(pod *corev1.Pod, now metav1.Time) corev1.PodStatus {
	isBad := slices.ContainsFunc(pod.Spec.Containers, func(c corev1.Container) bool { return doesNotStart.MatchString(c.Image) })
	isJob := slices.ContainsFunc(pod.OwnerReferences, func(o metav1.OwnerReference) bool { return o.Kind == "Job" })
	status := corev1.PodStatus{Phase: corev1.PodRunning, StartTime: &now, PodIP: "10.244.0.2"}
	ready := corev1.ConditionFalse
	switch {
	case isJob && isBad:
		status.Phase = corev1.PodFailed
	case isJob:
		status.Phase = corev1.PodSucceeded
	case isBad:
		status.Phase = corev1.PodPending
	default:
		ready = corev1.ConditionTrue
	}
	for kind, holds := range map[corev1.PodConditionType]corev1.ConditionStatus{
		corev1.PodScheduled: corev1.ConditionTrue, corev1.PodInitialized: corev1.ConditionTrue,
		corev1.ContainersReady: ready, corev1.PodReady: ready,
	} {
		status.Conditions = append(status.Conditions, corev1.PodCondition{Type: kind, Status: holds, LastTransitionTime: now})
	}
	for _, container := range pod.Spec.Containers {
		status.ContainerStatuses = append(status.ContainerStatuses, corev1.ContainerStatus{
			Name: container.Name, Image: container.Image, Ready: !doesNotStart.MatchString(container.Image), State: stateOf(container, isJob, now),
		})
	}
	return status
}

func stateOf(container corev1.Container, isJob bool, now metav1.Time) corev1.ContainerState {
	isBad := doesNotStart.MatchString(container.Image)
	switch {
	case isJob && isBad:
		return corev1.ContainerState{Terminated: &corev1.ContainerStateTerminated{ExitCode: 1, Reason: "Error", StartedAt: now, FinishedAt: now}}
	case isJob:
		return corev1.ContainerState{Terminated: &corev1.ContainerStateTerminated{Reason: "Completed", StartedAt: now, FinishedAt: now}}
	case isBad:
		message := fmt.Sprintf("Back-off pulling image %q", container.Image)
		return corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{Reason: "ImagePullBackOff", Message: message}}
	}
	return corev1.ContainerState{Running: &corev1.ContainerStateRunning{StartedAt: now}}
}
